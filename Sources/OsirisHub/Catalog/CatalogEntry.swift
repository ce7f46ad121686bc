import OsirisModel

/// One version of a function, as the catalog keeps it.
public struct CatalogEntry: Sendable, Equatable {
    public var spec: FunctionSpec
    /// `SourceTree.digest` of its files.
    public var sourceDigest: String
    /// Counts up from 1 with every change.
    public var version: Int
    /// When it was deployed: seconds since 1970, UTC.
    public var updated: Double
    /// True once an instance of it answered its handshake.
    public var proven: Bool
    /// `Caller.name` of who deployed it; empty if that is not known.
    public var author: String
    /// The version it repeats, for one that a rollback made.
    public var copyOf: Int?

    public init(
        spec: FunctionSpec, sourceDigest: String, version: Int, updated: Double, proven: Bool, author: String = "",
        copyOf: Int? = nil
    ) {
        self.spec = spec
        self.sourceDigest = sourceDigest
        self.version = version
        self.updated = updated
        self.proven = proven
        self.author = author
        self.copyOf = copyOf
    }

    /// Digest of what is deployed: the spec with the digests of its secrets, and the files. Equal for versions with
    /// the same content.
    public var contentDigest: String {
        // A spec is strings, numbers and flags: it can always be written.
        let spec = (try? HubJSON.encode(spec)) ?? []
        return Digest.sha256(spec + Array(sourceDigest.utf8))
    }
}
