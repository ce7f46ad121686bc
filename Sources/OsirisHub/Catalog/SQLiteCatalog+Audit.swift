import Foundation
import GRDB
import OsirisModel

extension SQLiteCatalog {
    /// Most records of the audit log.
    static let mostAuditRecords = 100_000
    /// How many of the oldest go at once when there are more.
    static let auditRemoval = 10_000

    static func registerAudit(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("4 audit log") { database in
            try database.create(table: "audit") { table in
                table.primaryKey("seq", .integer)
                table.column("hash", .text).notNull()
                table.column("record", .text).notNull()
            }
        }
    }

    public func record(_ entry: AuditEntry) async throws {
        try await pool.write { try Self.append(entry, to: $0) }
    }

    public func audit(from first: Int, limit: Int) async throws -> AuditPage {
        try await pool.read { database in
            // As bytes: somebody may have put there what is no text, and that must be told and not stop the reader.
            let texts = try DatabaseValue.fetchAll(
                database, sql: "SELECT record FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?",
                arguments: [first, limit])
            return AuditPage(
                records: texts.map { text in
                    (try? Value(plainJSON: Array((Data.fromDatabaseValue(text) ?? Data())))) ?? .null
                },
                oldest: try Int.fetchOne(database, sql: "SELECT min(seq) FROM audit") ?? 0,
                head: try Self.head(database))
        }
    }

    /// Adds a record in the transaction of the change that it tells of; nil adds none.
    /// - Parameters:
    ///   - most: how many records may be there.
    ///   - removal: how many of the oldest go when there are more.
    static func append(
        _ entry: AuditEntry?, to database: Database, most: Int = mostAuditRecords, removal: Int = auditRemoval
    ) throws {
        guard let entry else { return }
        try insert(entry.fields, to: database)
        guard let oldest = try Int.fetchOne(database, sql: "SELECT min(seq) FROM audit") else { return }
        if try head(database).seq - oldest >= most {
            try remove(through: oldest + removal - 1, at: entry.time, from: database)
        }
    }

    /// Removes the oldest records; one more record says so, in the chain like any other.
    private static func remove(through last: Int, at time: Int, from database: Database) throws {
        guard let hash = try String.fetchOne(database, sql: "SELECT hash FROM audit WHERE seq = ?", arguments: [last])
        else { return }
        try insert(
            [
                "action": .string(AuditChain.removal), "time": .int(time), "through": .int(last),
                "throughHash": .string(hash), "caller": "hub",
            ], to: database)
        try database.execute(sql: "DELETE FROM audit WHERE seq <= ?", arguments: [last])
    }

    private static func insert(_ fields: [String: Value], to database: Database) throws {
        let (record, head) = AuditChain.link(fields, after: try head(database))
        let text = String(decoding: Value.map(record).plainJSON(), as: UTF8.self)
        try database.execute(
            sql: "INSERT INTO audit (seq, hash, record) VALUES (?, ?, ?)", arguments: [head.seq, head.hash, text])
    }

    private static func head(_ database: Database) throws -> AuditChain.Head {
        let row = try Row.fetchOne(database, sql: "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        return row.map { AuditChain.Head(seq: $0["seq"], hash: $0["hash"]) } ?? .beginning
    }
}
