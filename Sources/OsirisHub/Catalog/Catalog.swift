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

    public init(spec: FunctionSpec, sourceDigest: String, version: Int, updated: Double, proven: Bool) {
        self.spec = spec
        self.sourceDigest = sourceDigest
        self.version = version
        self.updated = updated
        self.proven = proven
    }
}

/// Where a hub keeps its functions. Of each there is the wanted version and, until that one is proven, the last
/// proven one before it. What a call has stored survives the loss of the process.
public protocol Catalog: Sendable {
    /// Every stored version, by namespace, name and version.
    func entries() async throws -> [CatalogEntry]
    /// Adds a version.
    func add(_ entry: CatalogEntry) async throws
    /// Notes that a version works.
    func prove(_ name: FunctionName, version: Int) async throws
    /// Forgets one version, or with nil all of them.
    func remove(_ name: FunctionName, version: Int?) async throws
    /// Keeps the fence's number if it is the highest of its lineage.
    /// - Returns: the highest.
    func raise(_ fence: Fence) async throws -> Int
}
