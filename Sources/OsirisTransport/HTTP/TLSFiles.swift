import CLibCurl

/// The PEM files of one TLS client.
public struct TLSFiles: Sendable, Hashable {
    /// The only certificate authorities to trust; nil trusts the system's.
    public var authorities: String?
    /// What the client shows to a server that asks; needs `key`.
    public var certificate: String?
    public var key: String?

    public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }
}

extension EasyOptions {
    mutating func set(_ files: TLSFiles) {
        if let authorities = files.authorities {
            set(CURLOPT_CAINFO, authorities)
            // Otherwise OpenSSL would go on to trust the system's folder as well.
            clear(CURLOPT_CAPATH)
        }
        if let certificate = files.certificate { set(CURLOPT_SSLCERT, certificate) }
        if let key = files.key { set(CURLOPT_SSLKEY, key) }
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
