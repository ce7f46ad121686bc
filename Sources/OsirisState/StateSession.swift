import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel
import OsirisTransport
import Synchronization

/// The right to write: one run's lock, and the one way entries get into the state.
///
/// Made by `StateStore.begin`, ended by `end`. May be used from any number of tasks. When the lock is lost, every call
/// throws OSR0405 and nothing more is written.
public final class StateSession: Sendable {
    /// Number of this run in the history.
    public let applyID: Int
    /// The lock's fencing token, which `osiris unlock` asks for.
    public let fencing: Int

    private typealias Waiter = CheckedContinuation<Turn, any Error>
    private enum Turn: Sendable { case done, lead }

    let store: StateStore
    let connection: DatabaseQueue
    private let sealer = Mutex<Sealer?>(nil)
    private let queue = Mutex(CommitQueue<PreparedEntry, Waiter>())
    /// Nil after a failed transaction: read again before the next one.
    private let index: Mutex<SessionIndex?>
    let renewal = Mutex<Task<Void, Never>?>(nil)
    let isOver = Mutex(false)

    /// True once it ended or lost the lock: nothing more can be recorded.
    public var isEnded: Bool { isOver.withLock { $0 } }

    private init(store: StateStore, connection: DatabaseQueue, index: SessionIndex, applyID: Int, fencing: Int) {
        self.store = store
        self.connection = connection
        self.index = Mutex(index)
        self.applyID = applyID
        self.fencing = fencing
    }

    static func start(
        _ run: RunDescription, as identity: ProcessIdentity, in store: StateStore
    ) throws -> StateSession {
        do {
            let connection = try store.file.open()
            var started: (SessionIndex, apply: Int, fencing: Int)?
            try connection.inDatabase { db in
                try db.inTransaction(.immediate) {
                    let cluster = try String.fetchOne(db, sql: "SELECT cluster FROM meta") ?? ""
                    guard cluster == run.cluster else {
                        throw Fault.otherCluster(store.path, recorded: cluster, wanted: run.cluster)
                    }
                    let now = store.now()
                    let fencing = try LockTable.take(
                        db, operation: run.operation, identity: identity, now: now, path: store.path)
                    let index = try SessionIndex(db, path: store.path)
                    let apply = try HistoryTable.start(
                        db, run, identity: identity, now: now, firstChange: index.nextChange)
                    started = (index, apply, fencing)
                    return .commit
                }
            }
            let (index, apply, fencing) = started!
            let session = StateSession(
                store: store, connection: connection, index: index, applyID: apply, fencing: fencing)
            session.startRenewal()
            return session
        } catch {
            throw Fault.database(error, path: store.path, writing: true)
        }
    }

    deinit { renewal.withLock { $0?.cancel() } }

    /// Writes one entry. Returns when it is durable.
    ///
    /// Entries of tasks that call at the same time share a transaction and its fsync. Not cancellable: what was done
    /// must be recorded even when the run is being cancelled.
    /// - Throws: `DiagnosticsError`: OSR0405 lock lost, OSR0408 not writable (it may be tried again), OSR0505 if the
    ///   entry contradicts the state (the other entries of the transaction are written).
    public func record(_ entry: StateEntry) async throws {
        if isOver.withLock({ $0 }) { throw Fault.lockLost(store.path) }
        let prepared = try await prepare(entry)
        let turn: Turn = try await withCheckedThrowingContinuation { waiter in
            let leads = queue.withLock { $0.add(prepared, waiter) }
            if leads { waiter.resume(returning: .lead) }
        }
        guard case .lead = turn else { return }
        let batch = queue.withLock { $0.takeBatch() }
        let results = await commit(batch.map(\.entry))
        var own: Result<Void, any Error> = .success(())
        for (ticket, result) in zip(batch, results) {
            if let waiter = ticket.waiter {
                waiter.resume(with: result.map { .done })
            } else {
                own = result
            }
        }
        queue.withLock { $0.finish() }?.resume(returning: .lead)
        try own.get()
    }

    /// Makes the JSON in the caller's task, so that 32 callers do it at once and the store's thread only writes.
    private func prepare(_ entry: StateEntry) async throws -> PreparedEntry {
        guard let record = entry.record, RecordSealing.isNeeded(record, rule: store.sealing) else {
            return PreparedEntry(entry, sealed: nil)
        }
        return PreparedEntry(
            entry, sealed: try RecordSealing.seal(record, rule: store.sealing, sealer: await sealingKey()))
    }

    /// Seals under the state's key, which is made now if there is none.
    /// - Throws: `DiagnosticsError`: OSR0406 malformed, OSR0408 not writable.
    public func sealingKey() async throws -> Sealer {
        if let known = sealer.withLock({ $0 }) { return known }
        let made = try await store.thread.run { [store] in try store.key.loadOrCreate() }
        sealer.withLock { $0 = made }
        return made
    }

    private func commit(_ entries: [PreparedEntry]) async -> [Result<Void, any Error>] {
        do {
            return try await store.thread.run { [self] in try write(entries) }
        } catch {
            let fault = Fault.database(error, path: store.path, writing: true)
            if Fault.isLockLost(fault) { isOver.withLock { $0 = true } }
            return entries.map { _ in .failure(fault) }
        }
    }

    /// One transaction for all entries, on the store's thread.
    private func write(_ entries: [PreparedEntry]) throws -> [Result<Void, any Error>] {
        try inTransaction { db, index in
            var writer = EntryWriter(db: db, apply: applyID, now: store.now().stateMilliseconds, index: index)
            // Given up here, so that the writer changes the only copy instead of making one.
            index = SessionIndex()
            defer { index = writer.index }
            var results: [Result<Void, any Error>] = []
            for entry in entries {
                do {
                    try writer.write(entry)
                    results.append(.success(()))
                } catch let refused as DiagnosticsError {
                    results.append(.failure(refused))
                }
            }
            return results
        }
    }

    /// Runs `body` in a transaction that holds only while the lock is ours. On the store's thread.
    func inTransaction<Result: Sendable>(_ body: (Database, inout SessionIndex) throws -> Result) throws -> Result {
        try index.withLock { stored in
            // A transaction that fails leaves nil: the index is then read again, because it may be ahead of the database.
            // Taken, not copied: a second reference would make every transaction copy the whole index.
            var before = stored.take()
            var result: Result?
            try connection.inDatabase { db in
                try db.inTransaction(.immediate) {
                    try LockTable.check(db, fencing: fencing, path: store.path)
                    var index = try before.take() ?? SessionIndex(db, path: store.path)
                    result = try body(db, &index)
                    stored = index
                    return .commit
                }
            }
            return result!
        }
    }
}
