import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The certificate of a local hub, in its folder.
struct LocalCertificate: Sendable {
    /// How a local hub is reached.
    static let names = ["127.0.0.1", "::1", "localhost"]

    let folder: HubFolder
    let now: Date

    /// What is in the folder; nil if there is nothing, or nothing a hub could use.
    func installed() throws -> CertifiedKey? { try folder.contents(HubCertificate.file).flatMap(HubCertificate.read) }

    /// Ends with a certificate of the planned authority in the folder that is not due for renewal: the one that is there,
    /// or a new one.
    func bring(_ request: OperationRequest) throws -> Certificate {
        let present = try installed()?.certificate
        let made = try HubCertificate.renewal(of: present, for: request, names: Self.names, now: now)
        if made == nil, let present { return present }
        guard let made else { throw HubFolderError("\(folder.path) has no certificate") }
        try folder.create()
        try folder.write(Array(HubCertificate.text(made).utf8), to: HubCertificate.file)
        return made.certificate
    }
}
