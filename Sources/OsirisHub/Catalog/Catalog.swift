/// Where a hub keeps what must outlive it. What a call has stored survives the loss of the process.
public typealias Catalog = FunctionCatalog & FenceCatalog & AuditLog & CatalogCopies

/// The functions: of each the wanted version, the one that serves until that one is proven, and proven ones before it
/// that one can go back to.
public protocol FunctionCatalog: Sendable {
    /// Every stored version, by namespace, name and version.
    func entries() async throws -> [CatalogEntry]
    /// The stored versions of one function, oldest first; empty if there is none.
    func versions(of name: FunctionName) async throws -> [CatalogEntry]
    /// Adds a version.
    /// - Parameter audit: kept in the same transaction.
    func add(_ entry: CatalogEntry, audit: AuditEntry?) async throws
    /// Puts these annotations in all versions of a function, in the place of those of the same keys.
    /// - Parameter audit: kept in the same transaction.
    func annotate(_ name: FunctionName, _ words: [String: String], audit: AuditEntry?) async throws
    /// Notes that a version works, and forgets of those before it what is not worth keeping.
    /// - Parameter kept: how many proven versions stay besides this one.
    /// - Returns: the versions it forgot.
    func prove(_ name: FunctionName, version: Int, keeping kept: Int) async throws -> [Int]
    /// Forgets one version, or with nil all of them.
    /// - Parameter audit: kept in the same transaction.
    /// - Returns: the versions it forgot.
    @discardableResult
    func remove(_ name: FunctionName, version: Int?, audit: AuditEntry?) async throws -> [Int]
}

/// The fences of runs that changed the hub.
public protocol FenceCatalog: Sendable {
    /// Keeps the fence's number if it is the highest of its lineage.
    /// - Returns: the highest.
    func raise(_ fence: Fence) async throws -> Int
}

/// Copies of the catalog, for backups. Both calls take their time; no change is made meanwhile.
public protocol CatalogCopies: Sendable {
    /// Writes everything into one new file that only the hub's user may read.
    func copy(to path: String) async throws
    /// Replaces what a backup brings back by the content of a copy, and nothing else: fences and the audit log stay.
    /// Doing it again changes nothing.
    /// - Parameters:
    ///   - path: a copy, of this hub's version or an older one; an older one is brought up to date.
    ///   - audit: kept in the same transaction, once.
    func replace(from path: String, audit: AuditEntry) async throws
}
