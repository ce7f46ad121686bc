import GRDB

/// The table of tokens in the hub's SQLite file.
extension SQLiteCatalog: TokenStore {
    static func registerTokens(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("tokens") { database in
            try database.create(table: "tokens") { table in
                table.primaryKey("id", .text)
                table.column("name", .text).notNull().unique()
                table.column("role", .text).notNull()
                // A JSON list; null for all.
                table.column("namespaces", .text)
                table.column("created", .double).notNull()
                table.column("createdBy", .text).notNull()
                table.column("expires", .double)
                table.column("lastUsed", .double)
                table.column("perSecond", .double)
                table.column("burst", .integer)
                table.column("sha256", .text).notNull()
            }
        }
    }

    public func tokens() async throws -> [AccessToken] {
        try await pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM tokens ORDER BY created, id").map(Self.token)
        }
    }

    public func add(_ token: AccessToken) async throws -> Bool {
        let namespaces = try token.namespaces.map { String(decoding: try HubJSON.encode($0), as: UTF8.self) }
        return try await pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO tokens
                    (id, name, role, namespaces, created, createdBy, expires, lastUsed, perSecond, burst, sha256)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    token.id, token.name, token.role.rawValue, namespaces, token.created, token.createdBy,
                    token.expires, token.lastUsed, token.rate?.perSecond, token.rate?.burst, token.sha256,
                ])
            return database.changesCount > 0
        }
    }

    public func removeToken(_ id: String) async throws -> Bool {
        try await pool.write { database in
            try database.execute(sql: "DELETE FROM tokens WHERE id = ?", arguments: [id])
            return database.changesCount > 0
        }
    }

    public func noteUse(_ times: [String: Double]) async throws {
        try await pool.write { database in
            for (id, time) in times {
                try database.execute(sql: "UPDATE tokens SET lastUsed = ? WHERE id = ?", arguments: [time, id])
            }
        }
    }

    private static func token(_ row: Row) throws -> AccessToken {
        let (role, namespaces): (String, String?) = (row["role"], row["namespaces"])
        guard let role = HubConfig.Role(rawValue: role) else {
            throw StartFailure("The catalog has a token with the unknown role \(role). A later hub wrote it.")
        }
        let perSecond: Double? = row["perSecond"]
        return AccessToken(
            id: row["id"], name: row["name"], role: role,
            namespaces: try namespaces.map { try HubJSON.decode([String].self, Array($0.utf8)) },
            created: row["created"], createdBy: row["createdBy"], expires: row["expires"], lastUsed: row["lastUsed"],
            rate: perSecond.map { Rate(perSecond: $0, burst: row["burst"]) }, sha256: row["sha256"])
    }
}
