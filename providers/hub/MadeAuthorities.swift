import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Synchronization

/// The authorities made by this process, by operation: a second try of one answers the authority of the first.
///
/// In memory only. After a crash nobody has the key of one that was not recorded, and nothing was signed with it.
final class MadeAuthorities: Sendable {
    private let made = Mutex<[String: Attributes]>([:])

    /// - Throws: `ProviderError` if libcrypto fails, or what is recorded is no authority.
    func attributes(of request: OperationRequest, _ make: () throws -> Attributes) throws -> Attributes {
        let key = "\(request.cluster.folder) \(request.address) \(request.token)"
        if let known = made.withLock({ $0[key] }) { return known }
        let attributes: Attributes
        do {
            attributes = try make()
        } catch let error as CertificateError {
            throw ProviderError(
                .rejected, "\(request.address): its certificate cannot be made: \(error)",
                help: "restore a backup of the state, or move the state away and run `osiris state rebuild`")
        }
        made.withLock { $0[key] = attributes }
        return attributes
    }
}
