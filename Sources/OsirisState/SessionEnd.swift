import Foundation
import GRDB
import OsirisDiagnostics

extension StateSession {
    /// Closes the run's row of the history, releases the lock and closes the database, which leaves the one file.
    ///
    /// When no resource is left, the key file goes too: nothing is left that it could open.
    /// - Throws: `DiagnosticsError` as for `record`. The session is over either way.
    public func end(_ outcome: ApplyOutcome) async throws {
        await stopRenewal()
        let wasOver = isOver.withLock { over in
            defer { over = true }
            return over
        }
        try await store.thread.run { [self] in
            defer { try? connection.close() }
            if wasOver { throw Fault.lockLost(store.path) }
            do {
                let isEmpty = try inTransaction { db, index in
                    if index.compactionIsDue { try HistoryTable.compact(db) }
                    try HistoryTable.end(db, apply: applyID, outcome: outcome, now: store.now())
                    return index.parents.isEmpty
                }
                // Before the release, so that no other run finds its key taken away.
                if isEmpty { try store.key.remove() }
                try inTransaction { db, _ in _ = try LockTable.release(db, fencing: fencing) }
            } catch {
                throw Fault.database(error, path: store.path, writing: true)
            }
        }
    }

    /// Starts the task that keeps the lease alive. It ends with the session.
    func startRenewal() {
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
            try await store.thread.run { [self] in
                try inTransaction { db, _ in try LockTable.renew(db, now: store.now()) }
            }
        } catch  where Fault.isLockLost(error) {
            isOver.withLock { $0 = true }
            return false
        } catch {}
        return true
    }
}
