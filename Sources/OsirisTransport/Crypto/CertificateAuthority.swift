import CLibCrypto
import Foundation

/// A certificate and its private key.
public struct CertifiedKey: Sendable, Hashable {
    public let certificate: Certificate
    public let key: PrivateKey

    public init(certificate: Certificate, key: PrivateKey) {
        self.certificate = certificate
        self.key = key
    }
}

/// Makes certificates for the servers of one cluster: X.509 version 3 (RFC 5280), ECDSA on P-256 with SHA-256.
public struct CertificateAuthority: Sendable {
    /// How long its own certificate is good: ten years of 365 days.
    public static let life: TimeInterval = 3650 * 86400
    /// How long a server's certificate is good: 90 days.
    public static let serverLife: TimeInterval = 90 * 86400
    /// Certificates begin this long before they are made, for clocks that are behind.
    public static let slack: TimeInterval = 300

    /// Its own certificate and key.
    public let identity: CertifiedKey

    public init(_ identity: CertifiedKey) { self.identity = identity }

    /// A new authority, which signs itself. It may sign servers' certificates and no further authorities (pathlen 0).
    /// - Parameters:
    ///   - name: whose it is; a part of its common name, which is cut to the 64 characters RFC 5280 allows.
    ///   - now: when it is made.
    /// - Throws: `CertificateError.library`.
    public static func make(named name: String, now: Date) throws(CertificateError) -> CertificateAuthority {
        let key = try PrivateKey.make()
        var draft = try CertificateDraft(key: key, from: now - slack, to: now + life)
        // Two authorities of one cluster, while one takes over from the other, must not have one name.
        try draft.setSubject("\(name.prefix(40)) CA \(CertificateDraft.randomHex(4))")
        draft.isSelfSigned = true
        try draft.extend(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try draft.extend(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.extend(NID_subject_key_identifier, "hash")
        return CertificateAuthority(CertifiedKey(certificate: try draft.signed(with: key), key: key))
    }

    /// A certificate for a server with a new key. It ends after `serverLife`, and not after the authority itself.
    /// - Parameters:
    ///   - subject: what it is for people, cut to 64 characters.
    ///   - names: the IP addresses and host names the server is reached by; at least one.
    ///   - now: when it is made.
    /// - Throws: `CertificateError`.
    public func issue(subject: String, names: [String], now: Date) throws(CertificateError) -> CertifiedKey {
        let key = try PrivateKey.make()
        let end = min(now + Self.serverLife, identity.certificate.notAfter)
        var draft = try CertificateDraft(key: key, from: now - Self.slack, to: end)
        try draft.setSubject(String(subject.suffix(64)))
        try draft.setIssuer(identity.certificate)
        try draft.extend(NID_basic_constraints, "critical,CA:FALSE")
        try draft.extend(NID_key_usage, "critical,digitalSignature")
        try draft.extend(NID_ext_key_usage, "serverAuth")
        try draft.extend(NID_subject_key_identifier, "hash")
        try draft.extend(NID_authority_key_identifier, "keyid:always")
        try draft.extend(NID_subject_alt_name, try Self.alternativeNames(names))
        return CertifiedKey(certificate: try draft.signed(with: identity.key), key: key)
    }

    /// `IP:127.0.0.1,DNS:localhost`, in OpenSSL's spelling. Only characters that cannot end a name in it.
    private static func alternativeNames(_ names: [String]) throws(CertificateError) -> String {
        var found: [String] = []
        for name in names {
            var address = in6_addr()
            let isIP = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
            let isHost = !name.isEmpty && name.utf8.allSatisfy { Set("-.".utf8).contains($0) || $0.isLetterOrDigit }
            guard isIP || isHost else { throw .name(name) }
            found.append((isIP ? "IP:" : "DNS:") + name)
        }
        guard !found.isEmpty else { throw .name("") }
        return found.joined(separator: ",")
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool { (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20) }
}
