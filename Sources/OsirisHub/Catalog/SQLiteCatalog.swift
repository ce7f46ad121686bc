import Foundation
import GRDB

/// The catalog in one SQLite file in write-ahead mode.
public struct SQLiteCatalog: Catalog {
    let pool: DatabasePool

    /// Opens the file, creates it when absent and brings its tables up to date.
    /// - Throws: `DatabaseError`.
    public static func open(path: String) async throws -> SQLiteCatalog {
        try await BlockingWork.run { try SQLiteCatalog(path: path) }
    }

    private init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // An acknowledged deployment survives a power loss.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 functions") { database in
            try database.create(table: "functions") { table in
                table.column("namespace", .text).notNull()
                table.column("name", .text).notNull()
                table.column("version", .integer).notNull()
                table.column("spec", .text).notNull()
                table.column("sourceDigest", .text).notNull()
                table.column("updated", .double).notNull()
                table.column("proven", .boolean).notNull()
                table.primaryKey(["namespace", "name", "version"])
            }
        }
        migrator.registerMigration("2 fences") { database in
            try database.create(table: "fences") { table in
                table.primaryKey("lineage", .text)
                table.column("number", .integer).notNull()
            }
        }
        Self.registerTokens(&migrator)
        try migrator.migrate(pool)
    }

    public func entries() async throws -> [CatalogEntry] {
        try await pool.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM functions ORDER BY namespace, name, version")
            return try rows.map { row in
                let spec: String = row["spec"]
                return CatalogEntry(
                    spec: try HubJSON.decode(FunctionSpec.self, Array(spec.utf8)), sourceDigest: row["sourceDigest"],
                    version: row["version"], updated: row["updated"], proven: row["proven"])
            }
        }
    }

    public func add(_ entry: CatalogEntry) async throws {
        let spec = String(decoding: try HubJSON.encode(entry.spec), as: UTF8.self)
        try await pool.write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO functions (namespace, name, version, spec, sourceDigest, updated, proven)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.spec.name.namespace, entry.spec.name.name, entry.version, spec, entry.sourceDigest,
                    entry.updated, entry.proven,
                ])
        }
    }

    public func prove(_ name: FunctionName, version: Int) async throws {
        try await pool.write { database in
            try database.execute(
                sql: "UPDATE functions SET proven = 1 WHERE namespace = ? AND name = ? AND version = ?",
                arguments: [name.namespace, name.name, version])
        }
    }

    public func remove(_ name: FunctionName, version: Int?) async throws {
        try await pool.write { database in
            try database.execute(
                sql: "DELETE FROM functions WHERE namespace = ? AND name = ? AND (version = ? OR ? IS NULL)",
                arguments: [name.namespace, name.name, version, version])
        }
    }

    public func raise(_ fence: Fence) async throws -> Int {
        let find = "SELECT number FROM fences WHERE lineage = ?"
        // Nearly every change comes from the run that made the one before it: no write for those.
        let known = try await pool.read { try Int.fetchOne($0, sql: find, arguments: [fence.lineage]) }
        if let known, known >= fence.number { return known }
        return try await pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO fences (lineage, number) VALUES (?, ?)
                    ON CONFLICT (lineage) DO UPDATE SET number = max(number, excluded.number)
                    """,
                arguments: [fence.lineage, fence.number])
            return try Int.fetchOne(database, sql: find, arguments: [fence.lineage]) ?? fence.number
        }
    }

    /// Closes the file; for an orderly end.
    public func close() throws { try pool.close() }
}
