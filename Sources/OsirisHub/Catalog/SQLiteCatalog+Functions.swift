import GRDB

extension SQLiteCatalog {
    static func registerFunctions(_ migrator: inout DatabaseMigrator) {
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
    }

    static func registerKeptVersions(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("3 kept versions") { database in
            try database.alter(table: "functions") { table in
                table.add(column: "author", .text).notNull().defaults(to: "")
                table.add(column: "copyOf", .integer)
            }
        }
    }

    public func entries() async throws -> [CatalogEntry] {
        try await pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM functions ORDER BY namespace, name, version")
                .map(CatalogEntry.init)
        }
    }

    public func versions(of name: FunctionName) async throws -> [CatalogEntry] {
        try await pool.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM functions WHERE namespace = ? AND name = ? ORDER BY version",
                arguments: [name.namespace, name.name]
            ).map(CatalogEntry.init)
        }
    }

    public func add(_ entry: CatalogEntry, audit: AuditEntry?) async throws {
        let spec = String(decoding: try HubJSON.encode(entry.spec), as: UTF8.self)
        try await pool.write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO functions
                    (namespace, name, version, spec, sourceDigest, updated, proven, author, copyOf)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.spec.name.namespace, entry.spec.name.name, entry.version, spec, entry.sourceDigest,
                    entry.updated, entry.proven, entry.author, entry.copyOf,
                ])
            try Self.append(audit, to: database)
        }
    }

    public func annotate(_ name: FunctionName, _ words: [String: String], audit: AuditEntry?) async throws {
        try await pool.write { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM functions WHERE namespace = ? AND name = ?",
                arguments: [name.namespace, name.name])
            for var entry in try rows.map(CatalogEntry.init) {
                entry.spec.annotations.merge(words) { $1 }
                let spec = String(decoding: try HubJSON.encode(entry.spec), as: UTF8.self)
                try database.execute(
                    sql: "UPDATE functions SET spec = ? WHERE namespace = ? AND name = ? AND version = ?",
                    arguments: [spec, name.namespace, name.name, entry.version])
            }
            try Self.append(audit, to: database)
        }
    }

    public func prove(_ name: FunctionName, version: Int, keeping kept: Int) async throws -> [Int] {
        try await pool.write { database in
            try database.execute(
                sql: "UPDATE functions SET proven = 1 WHERE namespace = ? AND name = ? AND version = ?",
                arguments: [name.namespace, name.name, version])
            return try Int.fetchAll(
                database,
                sql: """
                    DELETE FROM functions WHERE namespace = :namespace AND name = :name AND version < :version
                    AND version NOT IN (
                        SELECT version FROM functions WHERE namespace = :namespace AND name = :name
                        AND version < :version AND proven ORDER BY version DESC LIMIT :kept)
                    RETURNING version
                    """,
                arguments: [
                    "namespace": name.namespace, "name": name.name, "version": version, "kept": kept,
                ])
        }
    }

    public func remove(_ name: FunctionName, version: Int?, audit: AuditEntry?) async throws -> [Int] {
        try await pool.write { database in
            let removed = try Int.fetchAll(
                database,
                sql: """
                    DELETE FROM functions WHERE namespace = ? AND name = ? AND (version = ? OR ? IS NULL)
                    RETURNING version
                    """,
                arguments: [name.namespace, name.name, version, version])
            try Self.append(audit, to: database)
            return removed
        }
    }
}

extension CatalogEntry {
    /// A row of the table `functions`.
    init(_ row: Row) throws {
        let spec: String = row["spec"]
        self.init(
            spec: try HubJSON.decode(FunctionSpec.self, Array(spec.utf8)), sourceDigest: row["sourceDigest"],
            version: row["version"], updated: row["updated"], proven: row["proven"], author: row["author"],
            copyOf: row["copyOf"])
    }
}
