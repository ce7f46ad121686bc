import Foundation
import GRDB

extension SQLiteCatalog {
    /// The tables that a restore replaces. A fence that a hub has seen must not be forgotten, the audit log tells what
    /// happened to this hub.
    static let restoredTables = ["functions"]

    public func copy(to path: String) async throws {
        try await BlockingWork.run { [pool] in
            // SQLite writes into an empty file, and leaves its mode as it is.
            guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw StartFailure("\(path) cannot be created.") }
            try pool.vacuum(into: path)
        }
    }

    public func replace(from path: String, audit: AuditEntry) async throws {
        try await BlockingWork.run { [pool] in
            // SQLite would make an empty one, which would replace everything by nothing.
            guard FileManager.default.fileExists(atPath: path) else { throw StartFailure("\(path) is missing.") }
            let copy = try DatabaseQueue(path: path)
            try Self.migrator.migrate(copy)
            try copy.close()
            try pool.writeWithoutTransaction { database in
                // Not possible inside of a transaction.
                try database.execute(sql: "ATTACH DATABASE ? AS restored", arguments: [path])
                defer { try? database.execute(sql: "DETACH DATABASE restored") }
                try database.inTransaction {
                    for table in Self.restoredTables {
                        try database.execute(sql: "DELETE FROM main.\(table)")
                        try database.execute(sql: "INSERT INTO main.\(table) SELECT * FROM restored.\(table)")
                    }
                    let known = try Int.fetchOne(
                        database,
                        sql: """
                            SELECT count(*) FROM (SELECT record FROM main.audit ORDER BY seq DESC LIMIT 1000)
                            WHERE json_extract(record, '$.action') = ? AND json_extract(record, '$.call') = ?
                            AND json_extract(record, '$.time') = ?
                            """,
                        arguments: [audit.action, audit.call, audit.time])
                    if known == 0 { try Self.append(audit, to: database) }
                    return .commit
                }
            }
        }
    }
}
