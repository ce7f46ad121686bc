import OsirisManifest
import OsirisModel
import OsirisTransport

/// The `authority` type: what signs the certificates of a cluster's hubs. It is in the state, and for a rebuild, sealed
/// under the state's key, in the marks of the hubs.
///
/// While one authority takes over from another there are two of them: certificates and keys are in the same order, and the
/// first one signs.
public enum AuthorityResource {
    public static let type = ResourceType(
        name: "authority", doc: "The certificate authority of a cluster; it signs the certificates of the hubs.",
        schema: Schema([
            Field(
                "rotation", .choice(["none", "asked"]), default: "none",
                doc: "`asked` after `osiris hub rotate-ca`: the next apply takes the next step to another authority."),
            Field(
                "certificate", .string, role: .computed, changesWith: ["rotation", "expires"],
                doc: "Its certificate, PEM; two of them during a rotation."),
            Field(
                "key", .string, role: .computed, secret: true, changesWith: ["rotation", "expires"],
                doc: "Its private key, PEM; sealed in the state."),
            Field(
                "expires", .string, role: .computed, changesWith: ["rotation"],
                expiry: Expiry("certificate authority", warnDays: 730, renewDays: 365),
                doc: "When the certificate that signs ends; RFC 3339.", example: "2036-11-18T18:26:40Z"),
        ]))

    /// One for each cluster; its target part is no target of the manifest.
    public static func address(of cluster: Cluster) -> ResourceAddress {
        ResourceAddress(target: "cluster", type: type.name, name: cluster.name)
    }

    /// As it stands in the expansion of each target whose hubs speak TLS.
    public static func declaration(_ cluster: Cluster) -> ResourceDeclaration {
        ResourceDeclaration(
            address: address(of: cluster), provider: "hub", attributes: ["rotation": "none"], spans: cluster.hub.spans)
    }

    /// The keys of these certificates. The digest is that of the certificates, which hold the public halves: so who has
    /// only them can tell whether the keys are the recorded ones.
    /// - Parameter clear: the private keys, PEM; nil if they are not known here.
    public static func key(of certificates: String, clear: String?) -> Secret {
        Secret(digest: Digest.sha256("authority key \(certificates)".utf8), plaintext: clear)
    }

    /// The authority that signs, from the `authority` and `authorityKey` of a hub or the `certificate` and `key` of an
    /// authority.
    /// - Throws: `CertificateError` if they are not a certificate and its key.
    public static func signer(certificates: String, keys: String) throws(CertificateError) -> CertificateAuthority {
        let identity = CertifiedKey(certificate: try Certificate(pem: certificates), key: try PrivateKey(pem: keys))
        guard identity.certificate.certifies(identity.key) else { throw .malformed("key of this certificate") }
        return CertificateAuthority(identity)
    }
}
