import Foundation
import OsirisDiagnostics
import OsirisModel

/// The lock on a shared state, and the one writer of its log.
///
/// Every commit is one conditional write at the next position. Nothing here is cancelled with its caller: what was done
/// must be recorded even when the run is being cancelled.
actor SharedSession: BackendSession {
    /// A value whose write was not answered: it may be in the log, now or a little later.
    private struct Unconfirmed {
        var bytes: [UInt8]
        /// The last slice: with it, all of the segment is there.
        var completes: Bool
        var segment: LogSegment
        var entries: [StateEntry]
    }

    nonisolated let applyID: Int
    nonisolated let fencing: Int
    private var log: SharedLog
    private let patience: Patience
    private let lock: SharedLock
    private let trust: Duration
    /// What the log adds up to.
    private var fold: LogFold
    /// Nil after a failed commit: made from the fold again, because it may be ahead of it.
    private var index: SessionIndex?
    /// All were tried at the next position.
    private var unconfirmed: [Unconfirmed] = []
    /// Entries whose commit failed for the caller and was there all the same.
    private var landed: Set<StateEntry> = []
    /// The lease counts at least until then.
    private var provedUntil: ContinuousClock.Instant

    init(
        _ log: SharedLog, _ lock: SharedLock, _ fold: LogFold, run: Int, provedAt: ContinuousClock.Instant,
        trust: Duration
    ) {
        self.log = log
        patience = log.patience
        self.lock = lock
        self.fold = fold
        self.trust = trust
        fencing = fold.fencing
        applyID = run
        provedUntil = provedAt + trust
    }

    func commit(_ entries: [PreparedEntry], now: Date) async throws -> [Result<Void, DiagnosticsError>] {
        try await Task { try await self.store(entries, now: now) }.value
    }

    func renew(now: Date) async throws {
        let proved = ContinuousClock.now
        let isHeld = try await log.writing { [log, lock] in try await log.store.renew(lock.lease) }
        guard isHeld else { throw Fault.lockLost(log.location) }
        provedUntil = max(provedUntil, proved + trust)
    }

    /// The key file stays, also when no resource is left: others have copies of it, and a new key would make theirs wrong.
    func end(_ outcome: ApplyOutcome, now: Date, whenEmptied: @escaping @Sendable () throws -> Void) async throws {
        try await Task {
            do {
                try await self.append(marked: .ended(outcome), now: now)
                // The run is recorded. What fails here is left for the end of the next.
                if SharedLog.isDue(self.fold) {
                    try? await self.log.writeCheckpoint(of: self.fold, now: now, holding: self.lock.lease)
                }
            } catch {
                try? await self.log.store.release(self.lock.lease)
                throw error
            }
            try await self.log.writing { [log = self.log, lock = self.lock] in
                try await log.store.release(lock.lease)
            }
        }.value
    }

    func adopt(lineage: String, above serial: Int) async throws {
        var index = index.take() ?? fold.index
        index.serial = max(index.serial, serial)
        self.index = index
        guard let found = try await log.meta(), found.meta.lineage != lineage else { return }
        guard fold.resources.isEmpty else { throw Fault.otherLineage(log.location) }
        var meta = found.meta
        meta.lineage = lineage
        let bytes = meta.json()
        try await log.writing { [log, lock] in
            let version = WriteCondition.version(found.version)
            let isWritten =
                try await log.store.write(bytes, to: SharedKeys.meta, if: version, holding: lock.lease) != nil
            // Refused: the answer to a first try was lost, or the lock is.
            if isWritten { return }
            guard try await log.store.read(SharedKeys.meta)?.bytes == bytes else { throw Fault.lockLost(log.location) }
        }
    }

    func clearSuperseded() async throws {
        try await Task {
            let now = Date()
            try await self.log.writeCheckpoint(of: self.fold, now: now, holding: self.lock.lease)
            try await self.log.clear(before: self.fold.position)
        }.value
    }

    func retire(to place: String, now: Date) async throws {
        try await Task {
            try await self.append(marked: .ended(.succeeded), now: now)
            try await self.append(marked: .moved(to: place), now: now)
            try? await self.log.store.release(self.lock.lease)
        }.value
    }

    /// The lease is another's, or ends by itself.
    func abandon() async {}

    // MARK: Writing

    private func store(_ entries: [PreparedEntry], now: Date) async throws -> [Result<Void, DiagnosticsError>] {
        while true {
            // Given up here, so that the rules change the only copy instead of making one.
            var rules = EntryRules(index: index.take() ?? fold.index)
            var results: [Result<Void, DiagnosticsError>] = []
            var changes: [StateChange] = []
            for entry in entries {
                guard !landed.contains(entry.entry) else {
                    results.append(.success(()))
                    continue
                }
                do throws(DiagnosticsError) {
                    changes += try rules.changes(for: entry)
                    results.append(.success(()))
                } catch {
                    results.append(.failure(error))
                }
            }
            let segment = LogSegment(fencing: fencing, run: applyID, time: now, changes: changes)
            var isStored = changes.isEmpty
            if !isStored { isStored = try await append(segment, of: entries.map(\.entry)) }
            guard isStored else { continue }
            landed.subtract(entries.map(\.entry))
            index = rules.index
            return results
        }
    }

    private func append(marked mark: LogSegment.Mark, now: Date) async throws {
        index = nil
        let segment = LogSegment(fencing: fencing, run: applyID, time: now, mark: mark)
        while !(try await append(segment, of: [])) {}
    }

    /// Adds a segment to the log.
    /// - Returns: false if nothing was added, because one from before was found there. It is folded in now.
    /// - Throws: `DiagnosticsError`: OSR0405, OSR0408.
    private func append(_ segment: LogSegment, of entries: [StateEntry]) async throws -> Bool {
        let values = LogSlices.cut(segment, limit: log.store.maxValueSize)
        for (number, bytes) in values.enumerated() {
            var isThere = false
            while !isThere {
                switch try await put(
                    Unconfirmed(
                        bytes: bytes, completes: number == values.count - 1, segment: segment, entries: entries))
                {
                case .landed: isThere = true
                case .refused: throw Fault.lockLost(log.location)
                case .occupied(let found):
                    guard let earlier = unconfirmed.first(where: { $0.bytes == found }) else {
                        throw Fault.lockLost(log.location)
                    }
                    advance(over: found)
                    guard earlier.completes else { continue }
                    try fold(earlier.segment)
                    landed.formUnion(earlier.entries)
                    return false
                }
            }
            advance(over: bytes)
        }
        try fold(segment)
        return true
    }

    private func put(_ value: Unconfirmed) async throws -> SharedLog.Outcome {
        do {
            let outcome = try await log.put(value.bytes, at: fold.position + 1, holding: lock.lease)
            log.patience = patience
            try await proveLock()
            return outcome
        } catch {
            if error is SharedStoreError {
                unconfirmed.append(value)
                // Waited for once. Whatever else is to be recorded is tried once, so that the run can end.
                log.patience.total = .zero
            }
            throw Fault.shared(error, at: log.location, writing: true)
        }
    }

    /// After a write that took longer than the lease counts, the lock may have been another's in between, who may even
    /// have trimmed the position that was written. In less time it cannot: see `SharedLog.graceSeconds`.
    private func proveLock() async throws {
        guard ContinuousClock.now > provedUntil else { return }
        let proved = ContinuousClock.now
        let shown = try await log.patience.trying { try await log.store.holder(SharedKeys.lock) }
        guard shown?.bytes == lock.value else { throw Fault.lockLost(log.location) }
        provedUntil = max(provedUntil, proved)
    }

    private func advance(over bytes: [UInt8]) {
        fold.advance(over: bytes.count)
        unconfirmed = []
    }

    private func fold(_ segment: LogSegment) throws {
        try log.decoding(SharedKeys.segment(fold.position)) { () throws(StoredFault) in try fold.apply(segment) }
    }
}
