import GRDB

extension SQLiteCatalog {
    static func registerFences(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("2 fences") { database in
            try database.create(table: "fences") { table in
                table.primaryKey("lineage", .text)
                table.column("number", .integer).notNull()
            }
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
}
