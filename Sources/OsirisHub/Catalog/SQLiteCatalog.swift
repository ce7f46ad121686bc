import Foundation
import GRDB

/// The catalog in one SQLite file in write-ahead mode.
public struct SQLiteCatalog: Catalog {
    let pool: DatabasePool

    /// Opens the file, creates it when absent and brings its tables up to date.
    /// - Throws: `StartFailure` for a catalog of a newer hub, which stays as it is; `DatabaseError`.
    public static func open(path: String) async throws -> SQLiteCatalog {
        try await BlockingWork.run { try SQLiteCatalog(path: path) }
    }

    private init(path: String) throws {
        try CatalogUpgrade(path: path, migrator: Self.migrator).run()
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // An acknowledged deployment survives a power loss.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        try Self.migrator.migrate(pool)
    }

    /// Every change that tables went through, oldest first. One that was released is never changed.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        registerFunctions(&migrator)
        registerFences(&migrator)
        registerKeptVersions(&migrator)
        registerAudit(&migrator)
        registerTokens(&migrator)
        return migrator
    }

    /// Closes the file; for an orderly end.
    public func close() throws { try pool.close() }
}
