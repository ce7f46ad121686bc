import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The certificate of a local hub and its key: in one file of its folder, so that one rename replaces both. The key is
/// nowhere else.
struct HubCertificate: Sendable {
    static let file = "tls.pem"
    /// How a local hub is reached.
    static let names = ["127.0.0.1", "::1", "localhost"]

    let address: ResourceAddress
    let folder: HubFolder
    let now: Date

    /// What is in the folder; nil if there is nothing, or nothing a hub could use.
    func installed() throws -> CertifiedKey? {
        guard let bytes = try folder.contents(Self.file) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let certificate = try? Certificate(pem: text), let key = try? PrivateKey(pem: text),
            certificate.certifies(key)
        else { return nil }
        return CertifiedKey(certificate: certificate, key: key)
    }

    /// Ends with a certificate of the planned authority in the folder that is not due for renewal: the one that is there,
    /// or a new one.
    func bring(_ request: OperationRequest) throws -> Certificate {
        guard let certificates = request.planned["authority"]?.stringValue,
            let keys = request.planned["authorityKey"]?.stringValue
        else {
            throw ProviderError(
                .rejected, "\(address): the key of the cluster's authority is not known", help: "plan and apply again")
        }
        do {
            let authority = try AuthorityResource.signer(certificates: certificates, keys: keys)
            if let present = try installed(), isGood(present.certificate, authority.identity.certificate) {
                return present.certificate
            }
            let made = try authority.issue(subject: address.text, names: Self.names, now: now)
            try folder.create()
            try folder.write(Array((made.key.pem + made.certificate.pem).utf8), to: Self.file)
            return made.certificate
        } catch let error as CertificateError {
            throw ProviderError(.rejected, "\(address): its certificate cannot be made: \(error)")
        }
    }

    private func isGood(_ certificate: Certificate, _ authority: Certificate) -> Bool {
        let days = HubResource.certificateExpiry.renewDays
        // One that ends with its authority is not bettered by another.
        let isFresh =
            certificate.notAfter > now + Double(days) * 86400 || certificate.notAfter == authority.notAfter
        return isFresh && certificate.notBefore <= now && certificate.isSigned(by: authority)
            && Self.names.allSatisfy(certificate.isFor)
    }
}
