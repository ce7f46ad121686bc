import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel
import Synchronization

/// The lock on a database, and the connection that writes under it.
final class LocalSession: BackendSession {
    let applyID: Int
    let fencing: Int
    private let path: String
    private let connection: DatabaseQueue
    private let thread: BlockingThread
    /// Nil after a failed transaction: read again before the next one.
    private let index: Mutex<SessionIndex?>

    /// Takes the lock. On the store's thread.
    init(
        _ run: RunDescription, as identity: ProcessIdentity, in file: StateFile, on thread: BlockingThread, now: Date
    ) throws {
        path = file.path
        self.thread = thread
        do {
            connection = try file.openForWriting(as: identity, now: now)
            var started: (SessionIndex, apply: Int, fencing: Int)?
            try connection.inDatabase { db in
                try db.inTransaction(.immediate) {
                    try MoveTable.check(db, path: file.path)
                    let cluster = try String.fetchOne(db, sql: "SELECT cluster FROM meta") ?? ""
                    guard cluster == run.cluster else {
                        throw Fault.otherCluster(file.path, recorded: cluster, wanted: run.cluster)
                    }
                    let fencing = try LockTable.take(
                        db, operation: run.operation, identity: identity, now: now, path: file.path)
                    let index = try SessionIndex(db, path: file.path)
                    let apply = try HistoryTable.start(
                        db, run, identity: identity, now: now, firstChange: index.nextChange)
                    started = (index, apply, fencing)
                    return .commit
                }
            }
            // inTransaction has run its body, or thrown.
            let (read, apply, token) = started!
            index = Mutex(read)
            applyID = apply
            fencing = token
        } catch {
            throw Fault.database(error, path: file.path, writing: true)
        }
    }

    func commit(_ entries: [PreparedEntry], now: Date) async throws -> [Result<Void, DiagnosticsError>] {
        try await transaction { [applyID] db, index in
            let writer = ChangeWriter(db: db, apply: applyID, now: now.stateMilliseconds)
            var rules = EntryRules(index: index)
            // Given up here, so that the rules change the only copy instead of making one.
            index = SessionIndex()
            defer { index = rules.index }
            var results: [Result<Void, DiagnosticsError>] = []
            for entry in entries {
                let changes: [StateChange]
                do throws(DiagnosticsError) {
                    changes = try rules.changes(for: entry)
                } catch {
                    results.append(.failure(error))
                    continue
                }
                for change in changes { try writer.write(change) }
                results.append(.success(()))
            }
            return results
        }
    }

    func renew(now: Date) async throws { try await transaction { db, _ in try LockTable.renew(db, now: now) } }

    func adopt(lineage: String, above serial: Int) async throws {
        try await transaction { [path] db, index in
            index.serial = max(index.serial, serial)
            if try String.fetchOne(db, sql: "SELECT lineage FROM meta") == lineage { return }
            guard index.parents.isEmpty else { throw Fault.otherLineage(path) }
            try db.execute(sql: "UPDATE meta SET lineage = ?", arguments: [lineage])
        }
    }

    func clearSuperseded() async throws { try await transaction { db, _ in try HistoryTable.compact(db) } }

    func end(_ outcome: ApplyOutcome, now: Date, whenEmptied: @escaping @Sendable () throws -> Void) async throws {
        try await thread.run { [self] in
            defer { try? connection.close() }
            do {
                let isEmptied = try inTransaction { db, index in
                    if index.compactionIsDue { try HistoryTable.compact(db) }
                    try HistoryTable.end(db, apply: applyID, outcome: outcome, now: now)
                    return index.parents.isEmpty && index.hasRemoved
                }
                if isEmptied { try whenEmptied() }
                try inTransaction { db, _ in _ = try LockTable.release(db, fencing: fencing) }
            } catch {
                throw Fault.database(error, path: path, writing: true)
            }
        }
    }

    func retire(to place: String, now: Date) async throws {
        try await thread.run { [self] in
            defer { try? connection.close() }
            do {
                try inTransaction { db, _ in
                    try HistoryTable.end(db, apply: applyID, outcome: .succeeded, now: now)
                    try MoveTable.retire(db, to: place, now: now)
                    try LockTable.release(db, fencing: fencing)
                }
            } catch {
                throw Fault.database(error, path: path, writing: true)
            }
        }
    }

    func abandon() async {
        try? await thread.run { [connection] in try connection.close() }
    }

    private func transaction<Result: Sendable>(
        _ body: @escaping @Sendable (Database, inout SessionIndex) throws -> Result
    ) async throws -> Result {
        try await thread.run { [self] in
            do {
                return try inTransaction(body)
            } catch {
                throw Fault.database(error, path: path, writing: true)
            }
        }
    }

    /// Runs `body` in a transaction that holds only while the lock is ours. On the store's thread.
    private func inTransaction<Result: Sendable>(
        _ body: (Database, inout SessionIndex) throws -> Result
    ) throws -> Result {
        try index.withLock { stored in
            // A transaction that fails leaves nil: the index is then read again, because it may be ahead of the database.
            // Taken, not copied: a second reference would make every transaction copy the whole index.
            var before = stored.take()
            var result: Result?
            try connection.inDatabase { db in
                try db.inTransaction(.immediate) {
                    try LockTable.check(db, fencing: fencing, path: path)
                    var index = try before.take() ?? SessionIndex(db, path: path)
                    result = try body(db, &index)
                    stored = index
                    return .commit
                }
            }
            return result!
        }
    }
}
