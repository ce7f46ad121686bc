import Foundation
import OsirisModel
import OsirisTransport

/// The certificate of a hub and its key: in one file of the hub's data folder, so that one rename replaces both. The key is
/// nowhere else.
public enum HubCertificate {
    /// Its name in the data folder.
    public static let file = "tls.pem"

    /// What such a file holds; nil if it is nothing a hub could use.
    public static func read(_ bytes: [UInt8]) -> CertifiedKey? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let certificate = try? Certificate(pem: text), let key = try? PrivateKey(pem: text),
            certificate.certifies(key)
        else { return nil }
        return CertifiedKey(certificate: certificate, key: key)
    }

    /// What is put into such a file.
    public static func text(_ pair: CertifiedKey) -> String { pair.key.pem + pair.certificate.pem }

    /// A new certificate of the planned authority, or nil if the present one is of that authority, for these names and not
    /// due for renewal.
    /// - Parameter names: the IP addresses and host names by which the hub is reached.
    /// - Throws: `ProviderError` if the authority's key is not at hand, or libcrypto fails.
    public static func renewal(
        of present: Certificate?, for request: OperationRequest, names: [String], now: Date
    ) throws -> CertifiedKey? {
        guard let certificates = request.planned["authority"]?.stringValue,
            let keys = request.planned["authorityKey"]?.stringValue
        else {
            throw ProviderError(
                .rejected, "\(request.address): the key of the cluster's authority is not known",
                help: "plan and apply again")
        }
        do {
            let authority = try AuthorityResource.signer(certificates: certificates, keys: keys)
            if let present, isGood(present, authority.identity.certificate, names, now) { return nil }
            return try authority.issue(subject: request.address.text, names: names, now: now)
        } catch {
            throw ProviderError(.rejected, "\(request.address): its certificate cannot be made: \(error)")
        }
    }

    private static func isGood(
        _ certificate: Certificate, _ authority: Certificate, _ names: [String], _ now: Date
    ) -> Bool {
        let days = HubResource.certificateExpiry.renewDays
        // One that ends with its authority is not bettered by another.
        let isFresh =
            certificate.notAfter > now + Double(days) * 86400 || certificate.notAfter == authority.notAfter
        return isFresh && certificate.notBefore <= now && certificate.isSigned(by: authority)
            && names.allSatisfy(certificate.isFor)
    }
}
