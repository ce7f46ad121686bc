import Foundation
import GRDB
import HTTPTypes

/// The calls in a SQLite file of their own, in write-ahead mode.
struct SQLiteCallStore: CallStore {
    private let pool: DatabasePool

    /// Opens the file, creates it when absent and brings its tables up to date.
    /// - Throws: `DatabaseError`.
    static func open(path: String) async throws -> SQLiteCallStore {
        try await BlockingWork.run { try SQLiteCallStore(path: path) }
    }

    private init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            if database.configuration.readonly { return }
            // Before the first table, so that what sweeps free goes back to the disk.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // A call that was accepted survives a power loss.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 calls") { database in
            // `entry` is all there is to know; the other columns are what is asked for.
            try database.execute(
                sql: """
                    CREATE TABLE calls (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
                        namespace TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, async INTEGER NOT NULL,
                        open INTEGER NOT NULL, ended REAL, entry TEXT NOT NULL);
                    CREATE INDEX callsByFunction ON calls (namespace, name, sequence);
                    CREATE INDEX openCalls ON calls (sequence) WHERE open;
                    CREATE INDEX endedCalls ON calls (ended) WHERE NOT open;
                    CREATE INDEX deadCalls ON calls (sequence) WHERE state = 'dead';
                    CREATE TABLE requests (
                        id TEXT PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE, method TEXT NOT NULL,
                        path TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL);
                    CREATE TABLE results (
                        id TEXT PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE, status INTEGER NOT NULL,
                        headers TEXT NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL);
                    """)
        }
        try migrator.migrate(pool)
    }

    func commit(_ changes: [CallChange]) async throws {
        try await pool.write { database in
            for change in changes {
                switch change {
                case .add(let entry, let request): try Self.add(entry, request, database)
                case .update(let entry, let result): try Self.update(entry, result, database)
                case .note(let entry): try Self.note(entry, database)
                }
            }
        }
    }

    func entry(_ id: String) async throws -> CallEntry? {
        try await pool.read { database in
            try String.fetchOne(database, sql: "SELECT entry FROM calls WHERE id = ?", arguments: [id])
        }.map(Self.entry(fromJSON:))
    }

    func open() async throws -> [CallEntry] {
        try await pool.read { database in
            try String.fetchAll(database, sql: "SELECT entry FROM calls WHERE open ORDER BY sequence")
        }.map(Self.entry(fromJSON:))
    }

    func request(_ id: String) async throws -> CallRequest? {
        try await pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM requests WHERE id = ?", arguments: [id]).map { row in
                CallRequest(
                    method: row["method"], path: row["path"], headers: try Self.fields(row["headers"]),
                    body: Array(row["body"] as Data))
            }
        }
    }

    func result(_ id: String) async throws -> CallResult? {
        try await pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM results WHERE id = ?", arguments: [id]).map { row in
                CallResult(
                    status: row["status"], headers: try Self.fields(row["headers"]), body: Array(row["body"] as Data))
            }
        }
    }

    func list(_ query: CallQuery) async throws -> [CallEntry] {
        var conditions: [SQL] = ["namespace IN \(query.namespaces)"]
        if let name = query.name { conditions.append("name = \(name)") }
        if let state = query.state { conditions.append("state = \(state.rawValue)") }
        if let before = query.before {
            conditions.append("sequence < (SELECT sequence FROM calls WHERE id = \(before))")
        }
        let all: SQL =
            "SELECT entry FROM calls WHERE \(conditions.joined(operator: .and)) ORDER BY sequence DESC LIMIT \(query.limit)"
        return try await pool.read { database in
            try SQLRequest<String>(literal: all).fetchAll(database)
        }.map(Self.entry(fromJSON:))
    }

    func namespaces() async throws -> [String] {
        try await pool.read { try String.fetchAll($0, sql: "SELECT DISTINCT namespace FROM calls") }
    }

    func close() async throws { try await BlockingWork.run { try pool.close() } }
}

// Changes.
extension SQLiteCallStore {
    private static func add(_ entry: CallEntry, _ request: CallRequest, _ database: Database) throws {
        // A synchronous call may have used the id since it was found to be free.
        try forgetNote(entry.id, database)
        try insert(entry, database)
        try database.execute(
            sql: "INSERT INTO requests (id, method, path, headers, body) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                entry.id, request.method, request.path, try text(request.headers), Data(request.body),
            ])
    }

    private static func update(_ entry: CallEntry, _ result: CallResult?, _ database: Database) throws {
        // Transactions do not keep the order of two changes of one call, revisions do.
        try database.execute(
            sql: """
                UPDATE calls SET revision = ?, state = ?, open = ?, ended = ?, entry = ? WHERE id = ? AND revision < ?
                """,
            arguments: [
                entry.revision, entry.state.rawValue, entry.isOpen, entry.ended, try text(entry), entry.id,
                entry.revision,
            ])
        guard database.changesCount > 0 else { return }
        if let result {
            try database.execute(
                sql: "INSERT OR REPLACE INTO results (id, status, headers, bytes, body) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    entry.id, result.status, try text(result.headers), result.body.count, Data(result.body),
                ])
        }
        if entry.state.hasEnded, entry.state != .dead {
            try database.execute(sql: "DELETE FROM requests WHERE id = ?", arguments: [entry.id])
        }
    }

    private static func note(_ entry: CallEntry, _ database: Database) throws {
        // Callers may use an id again; the newest call with it counts, and stands where the newest ones are.
        try forgetNote(entry.id, database)
        try insert(entry, database)
    }

    private static func forgetNote(_ id: String, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM calls WHERE id = ? AND NOT async").execute(arguments: [id])
    }

    private static func insert(_ entry: CallEntry, _ database: Database) throws {
        // A note gives way to the asynchronous call that has its id; two of those never have the same.
        let verb = entry.isAsync ? "INSERT" : "INSERT OR IGNORE"
        try database.cachedStatement(
            sql: """
                \(verb) INTO calls (id, revision, namespace, name, state, async, open, ended, entry)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id, entry.revision, entry.function.namespace, entry.function.name, entry.state.rawValue,
            entry.isAsync, entry.isOpen, entry.ended, try text(entry),
        ])
    }
}

// Sweeping.
extension SQLiteCallStore {
    /// Rows removed in one transaction, so that accepted calls never wait for long.
    private static let step = 1_000

    func sweep(_ keeping: CallKeeping, now: Double) async throws -> Bool {
        try await pool.write { database in
            var removed = 0
            func remove(_ table: String, _ key: String, where which: String, _ arguments: StatementArguments) throws {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE \(key) IN (\(which) LIMIT \(Self.step))", arguments: arguments)
                removed += database.changesCount
            }
            let old = "SELECT id FROM calls WHERE NOT open AND ended < ?"
            try remove("results", "id", where: "\(old) AND id IN (SELECT id FROM results)", [now - keeping.results])
            try remove("calls", "id", where: old, [now - keeping.records])
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM calls WHERE NOT open") ?? 0
            let tooMany = min(max(0, count - keeping.most), Self.step)
            try database.execute(
                sql: "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE NOT open ORDER BY ended LIMIT ?)",
                arguments: [tooMany])
            removed += database.changesCount
            let bytes = try Int.fetchOne(database, sql: "SELECT sum(bytes) FROM results") ?? 0
            if bytes > keeping.resultBytes {
                let oldest = "SELECT id FROM calls WHERE NOT open AND id IN (SELECT id FROM results) ORDER BY ended"
                // A hundred of the longest are a tenth of the bound: enough for one step.
                try database.execute(sql: "DELETE FROM results WHERE id IN (\(oldest) LIMIT 100)")
                removed += database.changesCount
            }
            _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum(\(Self.step))")
            return removed == 0
        }
    }
}

// Forms.
extension SQLiteCallStore {
    private static func entry(fromJSON text: String) throws -> CallEntry {
        try HubJSON.decode(CallEntry.self, Array(text.utf8))
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try HubJSON.encode(value), as: UTF8.self)
    }

    private static func fields(_ text: String) throws -> HTTPFields {
        try HubJSON.decode(HTTPFields.self, Array(text.utf8))
    }
}
