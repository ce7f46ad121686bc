import Foundation
import GRDB
import OsirisModel

/// The rows of the history. Each function runs inside a transaction of the caller.
enum HistoryTable {
    /// Events kept when superseded records are cleared away.
    static let keptEvents = 100_000

    /// Adds the row of a run.
    /// - Returns: its number.
    static func start(
        _ db: Database, _ run: RunDescription, identity: ProcessIdentity, now: Date, firstChange: Int64
    ) throws -> Int {
        // The caller holds the lock, so whatever has no outcome cannot be running.
        try db.execute(sql: "UPDATE applies SET outcome = 'abandoned' WHERE outcome IS NULL")
        try db.execute(
            sql: """
                INSERT INTO applies (firstSeq, operation, startedAt, user, host, pid, manifestCommit, arguments)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                firstChange, run.operation, now.stateMilliseconds, identity.user, identity.host, identity.pid,
                run.commit, Value.list(run.arguments.map(Value.string)).jsonText,
            ])
        return Int(db.lastInsertedRowID)
    }

    static func end(_ db: Database, apply: Int, outcome: ApplyOutcome, now: Date) throws {
        try db.execute(
            sql: "UPDATE applies SET endedAt = ?, outcome = ? WHERE id = ?",
            arguments: [now.stateMilliseconds, outcome.rawValue, apply])
    }

    /// Clears the records that newer rows supersede, and the oldest events. What exists does not change.
    static func compact(_ db: Database) throws {
        // The serial must not go back when the last rows are cleared.
        try db.execute(
            sql: """
                UPDATE meta SET serial = max(serial, (SELECT serial FROM changes ORDER BY seq DESC LIMIT 1));
                UPDATE changes SET attributes = NULL, sealed = NULL, dependsOn = NULL
                WHERE attributes IS NOT NULL AND seq NOT IN (
                    SELECT max(seq) FROM changes WHERE event NOT IN ('failed', 'note') GROUP BY address);
                DELETE FROM changes WHERE attributes IS NULL AND seq <= (SELECT max(seq) FROM changes) - \(keptEvents);
                """)
    }

    /// The latest runs, newest first.
    static func applies(_ db: Database, limit: Int) throws -> [ApplyRecord] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, operation, startedAt, endedAt, user, host, pid, manifestCommit, arguments, outcome, firstSeq
                FROM applies ORDER BY id DESC LIMIT ?
                """, arguments: [limit])
        let first = rows.last?.int(10) ?? 0
        var counts: [Int: [EventRecord.Kind: Int]] = [:]
        let sql = "SELECT apply, event, count(*) FROM changes WHERE seq >= ? GROUP BY apply, event"
        for row in try Row.fetchAll(db, sql: sql, arguments: [first]) {
            guard let apply = row.int(0), let kind = row.text(1).flatMap(EventRecord.Kind.init) else { continue }
            counts[apply, default: [:]][kind] = row.int(2) ?? 0
        }
        return rows.map { row in
            let arguments = row.text(8).flatMap { try? Value(json: Array($0.utf8)) }?.listValue ?? []
            return ApplyRecord(
                id: row.int(0) ?? 0, operation: row.text(1) ?? "",
                startedAt: Date(stateMilliseconds: row.int(2) ?? 0),
                endedAt: row.int(3).map(Date.init(stateMilliseconds:)),
                user: row.text(4) ?? "", host: row.text(5) ?? "", pid: row.int(6) ?? 0, commit: row.text(7),
                arguments: arguments.compactMap(\.stringValue), outcome: row.text(9).flatMap(ApplyOutcome.init),
                counts: counts[row.int(0) ?? 0] ?? [:])
        }
    }

    /// The events of one run, oldest first.
    static func events(_ db: Database, apply: Int) throws -> [EventRecord] {
        let sql = """
            SELECT time, event, address, text FROM changes
            WHERE apply = ?1 AND seq >= (SELECT firstSeq FROM applies WHERE id = ?1) ORDER BY seq
            """
        return try Row.fetchAll(db, sql: sql, arguments: [apply]).compactMap { row in
            guard let kind = row.text(1).flatMap(EventRecord.Kind.init) else { return nil }
            return EventRecord(
                time: Date(stateMilliseconds: row.int(0) ?? 0), kind: kind,
                address: row.text(2).flatMap(ResourceAddress.init), text: row.text(3) ?? "")
        }
    }
}
