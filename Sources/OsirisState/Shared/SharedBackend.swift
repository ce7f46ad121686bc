import Foundation
import OsirisDiagnostics
import OsirisModel

/// A state in a service that many machines share: a log, checkpoints of it, and a lock. See docs/shared-state.md.
struct SharedBackend: StateBackend {
    /// How often a log that grows at this moment is read again.
    private static let attempts = 20

    let log: SharedLog
    /// How long the lock counts from its last proof on; a write that took longer is looked at again.
    private let trust: Duration

    init(
        _ store: any SharedStore, patience: Patience = Patience(), trust: Duration = .seconds(LockRule.leaseSeconds)
    ) {
        log = SharedLog(store: store, patience: patience)
        self.trust = trust
    }

    var location: String { log.location }

    func load() async throws -> StoredState? {
        guard let (meta, fold) = try await current() else { return nil }
        return try log.decoding(SharedKeys.checkpoints) { () throws(StoredFault) in
            try fold.state(lineage: meta.lineage, cluster: meta.cluster)
        }
    }

    func begin(
        _ run: RunDescription, as identity: ProcessIdentity, lineage: String, now: Date
    ) async throws -> any BackendSession {
        let meta = try await create(SharedMeta(lineage: lineage, cluster: run.cluster))
        if meta.isArriving { throw Fault.arriving(location) }
        guard meta.cluster == run.cluster else {
            throw Fault.otherCluster(location, recorded: meta.cluster, wanted: run.cluster)
        }
        var fold = try checked(try await log.load())
        while true {
            // Hosts remember the highest token they saw: see `LockTable.take`.
            let holder = LockHolder(
                id: max(fold.fencing + 1, Int(now.timeIntervalSince1970)), user: identity.user, host: identity.host,
                pid: identity.pid, operation: run.operation, since: now, renewedAt: now, process: identity.process)
            let proved = ContinuousClock.now
            let lock = try await SharedLock.take(holder, in: log)
            do {
                try await log.catchUp(&fold)
                fold = try checked(fold)
                guard fold.fencing < holder.id else {
                    // Another run came and went since the log was read.
                    try await log.writing { try await log.store.release(lock.lease) }
                    continue
                }
                let began = try await takeOver(fold, by: holder, run, lock, now: now)
                return SharedSession(log, lock, began, run: began.lastRun, provedAt: proved, trust: trust)
            } catch {
                try? await log.store.release(lock.lease)
                throw error
            }
        }
    }

    /// Writes the first segment of a run. From then on, a former holder finds the next position taken.
    private func takeOver(
        _ fold: LogFold, by holder: LockHolder, _ run: RunDescription, _ lock: SharedLock, now: Date
    ) async throws -> LogFold {
        var fold = fold
        for _ in 0..<Self.attempts {
            let record = ApplyRecord(
                id: fold.lastRun + 1, operation: run.operation, startedAt: now, endedAt: nil, user: holder.user,
                host: holder.host, pid: holder.pid, commit: run.commit, arguments: run.arguments, outcome: nil,
                counts: [:])
            let segment = LogSegment(fencing: holder.id, run: record.id, time: now, mark: .began(record))
            let bytes = segment.json()
            let position = fold.position + 1
            let outcome = try await log.writing {
                try await log.put(bytes, at: position, holding: lock.lease)
            }
            switch outcome {
            case .landed:
                try log.decoding(SharedKeys.segment(position)) { () throws(StoredFault) in try fold.add(bytes) }
                return fold
            // The former holder was quicker; it cannot be for long.
            case .occupied: try await log.catchUp(&fold)
            case .refused: throw Fault.lockLost(location)
            }
        }
        throw Fault.lockLost(location)
    }

    func lockHolder() async throws -> LockHolder? {
        guard let value = try await log.reading({ try await log.store.holder(SharedKeys.lock) }) else { return nil }
        return try SharedLock.holder(value, in: log)
    }

    func breakLock(id: Int) async throws -> Bool {
        guard let (_, loaded) = try await current(),
            let value = try await log.reading({ try await log.store.holder(SharedKeys.lock) }),
            try SharedLock.holder(value, in: log).id == id
        else { return false }
        var fold = loaded
        // The next position is taken first: the holder, if it lives, must not write where the service checks no lease.
        for _ in 0..<Self.attempts {
            guard fold.fencing <= id else { return false }
            let segment = LogSegment(fencing: id, run: fold.lastRun, time: Date(), mark: .broken)
            let bytes = segment.json()
            let position = fold.position + 1
            let outcome = try await log.writing { try await log.put(bytes, at: position, holding: nil) }
            if case .landed = outcome {
                return try await log.writing {
                    try await log.store.breakLease(SharedKeys.lock, ifValue: value.bytes)
                }
            }
            try await log.catchUp(&fold)
        }
        return false
    }

    func applies(limit: Int) async throws -> [ApplyRecord] {
        guard let (_, fold) = try await current() else { return [] }
        return try await log.applies(fold, limit: limit)
    }

    func events(ofApply id: Int) async throws -> [EventRecord] {
        guard let (_, fold) = try await current() else { return [] }
        return try await log.events(fold, ofApply: id)
    }

    // MARK: What is there

    private func current() async throws -> (SharedMeta, LogFold)? {
        guard let meta = try await log.meta()?.meta else { return nil }
        if meta.isArriving { throw Fault.arriving(location) }
        return (meta, try checked(try await log.load()))
    }

    private func checked(_ fold: LogFold) throws -> LogFold {
        if let move = fold.move { throw Fault.moved(location, to: move.place, at: move.time) }
        return fold
    }

    /// The identity of the state; of two who make it at once, one wins.
    private func create(_ fresh: SharedMeta) async throws -> SharedMeta {
        if let found = try await log.meta() { return found.meta }
        _ = try await log.writing {
            try await log.store.write(fresh.json(), to: SharedKeys.meta, if: .absent, holding: nil)
        }
        guard let made = try await log.meta() else {
            throw Fault.stored(StoredFault("it is missing"), key: SharedKeys.meta, at: location)
        }
        return made.meta
    }
}
