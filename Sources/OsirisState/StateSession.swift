import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport
import Synchronization

/// The right to write: one run's lock, and the one way entries get into the state.
///
/// Made by `StateStore.begin`, ended by `end`. May be used from any number of tasks. When the lock is lost, every call
/// throws OSR0405 and nothing more is written.
public final class StateSession: Sendable {
    private typealias Waiter = CheckedContinuation<Turn, any Error>
    private enum Turn: Sendable { case done, lead }

    let store: StateStore
    let backend: any BackendSession
    private let sealer = Mutex<Sealer?>(nil)
    private let queue = Mutex(CommitQueue<PreparedEntry, Waiter>())
    private let renewal = Mutex<Task<Void, Never>?>(nil)
    private let isOver = Mutex(false)

    init(_ store: StateStore, _ backend: any BackendSession) {
        self.store = store
        self.backend = backend
        startRenewal()
    }

    deinit { renewal.withLock { $0?.cancel() } }

    /// Number of this run in the history.
    public var applyID: Int { backend.applyID }
    /// True once it ended or lost the lock: nothing more can be recorded.
    public var isEnded: Bool { isOver.withLock { $0 } }
    /// The lock's fencing token, which `osiris unlock` asks for.
    public var fencing: Int { backend.fencing }

    /// Writes one entry. Returns when it is durable.
    ///
    /// Entries of tasks that call at the same time share a commit. Not cancellable: what was done must be recorded even
    /// when the run is being cancelled.
    /// - Throws: `DiagnosticsError`: OSR0405 lock lost, OSR0408 not writable (it may be tried again), OSR0505 if the
    ///   entry contradicts the state (the other entries of the commit are written).
    public func record(_ entry: StateEntry) async throws {
        if isOver.withLock({ $0 }) { throw Fault.lockLost(store.location) }
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

    /// Makes the JSON in the caller's task, so that 32 callers do it at once and the commit only writes.
    private func prepare(_ entry: StateEntry) async throws -> PreparedEntry {
        var dependants: [PreparedRecord] = []
        if case .moved(_, _, _, let records) = entry {
            for record in records { dependants.append(PreparedRecord(record, sealed: try await sealed(record))) }
        }
        var own: [UInt8]?
        if let record = entry.record { own = try await sealed(record) }
        return PreparedEntry(entry, sealed: own, dependants: dependants)
    }

    private func sealed(_ record: ResourceRecord) async throws -> [UInt8]? {
        guard RecordSealing.isNeeded(record, rule: store.sealing) else { return nil }
        return try RecordSealing.seal(record, rule: store.sealing, sealer: await sealingKey())
    }

    /// Seals under the state's key, which is made now if there is none.
    /// - Throws: `DiagnosticsError`: OSR0406 malformed, OSR0408 not writable.
    public func sealingKey() async throws -> Sealer {
        if let known = sealer.withLock({ $0 }) { return known }
        let made = try await store.keyThread.run { [key = store.key] in try key.loadOrCreate() }
        sealer.withLock { $0 = made }
        return made
    }

    private func commit(_ entries: [PreparedEntry]) async -> [Result<Void, any Error>] {
        do {
            return try await backend.commit(entries, now: store.now()).map { $0.mapError { $0 } }
        } catch {
            if Fault.isLockLost(error) { isOver.withLock { $0 = true } }
            return entries.map { _ in .failure(error) }
        }
    }

    /// Closes the run's row of the history and releases the lock.
    ///
    /// When the run removed the last resource, the key file goes too: nothing is left that it could open. A run that
    /// found the state empty leaves it: the state may have been lost, and objects keep secrets under that key.
    /// - Throws: `DiagnosticsError` as for `record`. The session is over either way.
    public func end(_ outcome: ApplyOutcome) async throws {
        await stopRenewal()
        let wasOver = isOver.withLock { over in
            defer { over = true }
            return over
        }
        if wasOver {
            await backend.abandon()
            throw Fault.lockLost(store.location)
        }
        // Before the release, so that no other run finds its key taken away.
        try await backend.end(outcome, now: store.now()) { [key = store.key] in try key.remove() }
    }

    /// Ends the run, and the state in this place; see `StateMove`.
    func retire(to place: String) async throws {
        await stopRenewal()
        isOver.withLock { $0 = true }
        try await backend.retire(to: place, now: store.now())
    }

    /// Gives an empty state the lineage of the objects it is filled with: digests of secrets are salted with it.
    ///
    /// The serial goes on from the time in seconds, which the lost state cannot have reached: a plan that was saved from
    /// it must not fit this one.
    /// - Throws: `DiagnosticsError`: OSR0412 if it has resources and another lineage, OSR0405, OSR0408.
    public func adopt(lineage: String) async throws {
        try await backend.adopt(lineage: lineage, above: Int(store.now().timeIntervalSince1970))
    }

    // MARK: Lease

    /// Starts the task that keeps the lease alive. It ends with the session.
    private func startRenewal() {
        let task = Task { [weak self] in
            while true {
                do { try await Task.sleep(for: .seconds(LockRule.renewalSeconds)) } catch { return }
                guard await self?.renew() == true else { return }
            }
        }
        renewal.withLock { $0 = task }
    }

    private func stopRenewal() async {
        let task = renewal.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    /// - Returns: false if the lock is lost. Any other failure, such as a full disk, is tried again at the next turn.
    private func renew() async -> Bool {
        do {
            try await backend.renew(now: store.now())
        } catch  where Fault.isLockLost(error) {
            isOver.withLock { $0 = true }
            return false
        } catch {}
        return true
    }
}
