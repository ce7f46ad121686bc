import OsirisTransport

/// The URL of a shared store in its parts: `SCHEME://AUTHORITY[/PREFIX]`.
struct SharedStoreAddress: Sendable, Hashable {
    enum Scheme: String, Sendable { case etcd, etcds, s3 }

    var scheme: Scheme
    /// A bucket, or endpoints with commas between them.
    var authority: String
    /// Without slashes at its ends; empty if there is none.
    var prefix: String

    /// True for the URL of any shared store, well-formed or not, and false for the path of a file.
    static func matches(_ text: String) -> Bool {
        guard let end = text.range(of: "://")?.lowerBound else { return false }
        return Scheme(rawValue: String(text[..<end])) != nil
    }

    /// - Throws: `SharedStoreError` (`.other`) if the text is no such URL. The error does not hold the text, which may
    ///   have a password in it.
    init(_ text: String) throws(SharedStoreError) {
        let parts = text.components(separatedBy: "://")
        guard parts.count == 2, let scheme = Scheme(rawValue: parts[0]) else {
            throw Self.malformed("begins neither with etcd:// nor etcds:// nor s3://")
        }
        let authority = parts[1].prefix { $0 != "/" }
        guard !authority.contains("@") else {
            throw SharedStoreError(
                .other, "the URL of the shared state holds a user or password",
                help:
                    "give them in the environment: ETCDCTL_USER for etcd, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                    + "for S3")
        }
        guard !authority.isEmpty else { throw Self.malformed("names no \(scheme == .s3 ? "bucket" : "host")") }
        let prefix = parts[1].dropFirst(authority.count).split(separator: "/").joined(separator: "/")
        guard prefix.utf8.allSatisfy(Self.isPlain) else {
            throw Self.malformed("has a prefix with other characters than letters, digits, `-`, `_`, `.` and `/`")
        }
        self.scheme = scheme
        self.authority = String(authority)
        self.prefix = prefix
    }

    var text: String { "\(scheme.rawValue)://\(authority)" + (prefix.isEmpty ? "" : "/\(prefix)") }

    /// A key of the store as the service has it.
    func key(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

    /// The store's name of a key of the service.
    func relative(_ key: String) -> String { String(key.utf8.dropFirst(prefix.isEmpty ? 0 : prefix.utf8.count + 1))! }

    /// - Parameters:
    ///   - environment: settings and credentials, by the names that etcd's and Amazon's own tools use.
    ///   - home: where `.aws` is looked for.
    /// - Throws: `SharedStoreError` if settings are missing or malformed. Nothing is sent yet.
    func store(environment: [String: String], home: String, http: any HTTPSending) throws(SharedStoreError)
        -> any SharedStore
    {
        switch scheme {
        case .etcd, .etcds: EtcdStore(try EtcdStoreSettings(self, environment: environment), http: http)
        case .s3:
            S3Store(
                try S3StoreSettings(self, AWSSettings(environment: environment, home: home)),
                AWSCredentialCache(environment: environment, home: home, http: http), http: http)
        }
    }

    private static func malformed(_ reason: String) -> SharedStoreError {
        SharedStoreError(
            .other, "the URL of the shared state \(reason)",
            help: "write etcd://HOST:PORT,HOST:PORT/PREFIX, etcds://… for TLS, or s3://BUCKET/PREFIX")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

extension SharedStoreError {
    static func tooLarge(_ size: Int, limit: Int, key: String, at location: String) -> SharedStoreError {
        SharedStoreError(.tooLarge, "\(key) in \(location) has \(size) bytes; at most \(limit) bytes can be stored")
    }
}
