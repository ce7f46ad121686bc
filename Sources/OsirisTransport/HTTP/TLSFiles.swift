import CLibCurl

/// The certificates and keys of one TLS client.
public struct TLSFiles: Sendable, Hashable {
    /// The only certificate authorities to trust; nil trusts the system's.
    public var authorities: String?
    /// The same as PEM text and not as a file; `authorities` is passed over then.
    public var authorityText: String?
    /// What the client shows to a server that asks; needs `key`.
    public var certificate: String?
    public var key: String?

    public init(
        authorities: String? = nil, authorityText: String? = nil, certificate: String? = nil, key: String? = nil
    ) {
        self.authorities = authorities
        self.authorityText = authorityText
        self.certificate = certificate
        self.key = key
    }
}

extension EasyOptions {
    mutating func set(_ files: TLSFiles) {
        if let text = files.authorityText {
            set(CURLOPT_CAINFO_BLOB, bytes: Array(text.utf8))
            clear(CURLOPT_CAPATH)
        } else if let authorities = files.authorities {
            set(CURLOPT_CAINFO, authorities)
            // Otherwise OpenSSL would go on to trust the system's folder as well.
            clear(CURLOPT_CAPATH)
        }
        if let certificate = files.certificate { set(CURLOPT_SSLCERT, certificate) }
        if let key = files.key { set(CURLOPT_SSLKEY, key) }
    }
}

/// What is wrong with a server's certificate.
public enum CertificateFault: Sendable, Hashable {
    /// It has ended, or an authority's has.
    case expired
    case notYetValid
    /// No authority that is trusted signed it, or it signed itself.
    case untrusted
    /// It is for other names than the one in the URL.
    case otherName

    /// - Parameter result: OpenSSL's number: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/.
    init(verifyResult result: Int) {
        switch result {
        // libcurl compares the name itself, after OpenSSL found no fault, and before it notes so: 1 is what it begins with.
        case 0, 1: self = .otherName
        case 9: self = .notYetValid
        case 10: self = .expired
        default: self = .untrusted
        }
    }
}

extension HTTPError {
    /// True if libcurl's text holds one of OpenSSL's names for the alerts by which a server refuses a client's certificate
    /// (RFC 8446, 6.2). libcurl has no code of its own for them.
    static func tellsOfRefusedCertificate(_ text: String) -> Bool {
        [
            "certificate required", "bad certificate", "certificate unknown", "certificate expired",
            "certificate revoked",
            "unsupported certificate", "unknown ca", "access denied",
        ]
        .contains { text.contains("alert \($0)") }
    }
}
