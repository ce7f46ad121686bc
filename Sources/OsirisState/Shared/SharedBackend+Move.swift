import Foundation
import OsirisModel

extension SharedBackend {
    func standing() async throws -> PlaceStanding {
        guard let meta = try await log.meta()?.meta else { return .nothing }
        if meta.isArriving { return .arriving(lineage: meta.lineage) }
        if let move = try await log.load().move {
            return .moved(lineage: meta.lineage, to: move.place, at: move.time)
        }
        return .inUse(lineage: meta.lineage, cluster: meta.cluster)
    }

    func archive() async throws -> StateArchive? {
        guard let meta = try await log.meta()?.meta else { return nil }
        let fold = try await log.load()
        let state = try log.decoding(SharedKeys.checkpoints) { () throws(StoredFault) in
            try fold.state(lineage: meta.lineage, cluster: meta.cluster)
        }
        var runs: [LogFold.Run] = []
        for record in try await log.applies(fold, limit: .max).reversed() {
            runs.append(LogFold.Run(record: record, events: try await log.events(fold, ofApply: record.id)))
        }
        return StateArchive(state: state, fencing: fold.fencing, runs: runs)
    }

    func receive(_ archive: StateArchive, now: Date) async throws {
        let snapshot = archive.state.snapshot
        let arriving = SharedMeta(lineage: snapshot.lineage, cluster: snapshot.cluster ?? "", isArriving: true)
        try await write(arriving) { $0 == nil || $0?.lineage == snapshot.lineage }
        for run in archive.runs { try await log.file(run, as: run.record.id, holding: nil) }
        // After everything that was here before, such as the log of this state until it moved away.
        let keys = try await log.reading {
            try await log.store.list(SharedKeys.log, after: nil)
                + log.store.list(SharedKeys.checkpoints, after: nil)
        }
        var fold = try log.decoding(SharedKeys.meta) { () throws(StoredFault) in try LogFold(archive) }
        fold.position = (keys.compactMap(SharedKeys.number).max() ?? 0) + 1
        try await log.writeCheckpoint(of: fold, now: now, holding: nil)
    }

    func activate() async throws {
        guard let meta = try await log.meta()?.meta, meta.isArriving else { return }
        try await write(SharedMeta(lineage: meta.lineage, cluster: meta.cluster)) { $0?.lineage == meta.lineage }
    }

    /// Writes the identity if what is there `allows` it at that moment.
    private func write(_ meta: SharedMeta, allows: (SharedMeta?) -> Bool) async throws {
        try await log.writing {
            while true {
                let found = try await log.meta()
                guard allows(found?.meta) else {
                    throw Fault.migration(
                        "there is another state in \(location)", help: "choose a place that holds none")
                }
                if found?.meta == meta { return }
                let condition = found.map { WriteCondition.version($0.version) } ?? .absent
                let written = try await log.store.write(
                    meta.json(), to: SharedKeys.meta, if: condition, holding: nil)
                if written != nil { return }
            }
        }
    }
}

extension LogFold {
    /// Of a state that came from elsewhere; its position is the caller's. Its runs are filed, not in the log.
    init(_ archive: StateArchive) throws(StoredFault) {
        let snapshot = archive.state.snapshot
        fencing = archive.fencing
        serial = snapshot.serial
        nextChange = Int64(archive.runs.reduce(0) { $0 + $1.events.count } + 1)
        lastRun = archive.runs.map(\.record.id).max() ?? 0
        for record in snapshot.resources.values {
            resources[record.address] = Resource(record: record, sealed: archive.state.sealed[record.address])
        }
        for intent in snapshot.intents { try open(intent) }
    }
}

extension StateArchive {
    /// The same for archives that hold the same, wherever they were.
    func digest() throws -> String {
        let runs = Value.list(
            runs.map { .list([$0.record.stored, .list($0.events.map(\.stored))]) })
        let identity = Value.list([.string(state.snapshot.lineage), .string(state.snapshot.cluster ?? "")])
        var fold = try LogFold(self)
        // A count of what was recorded, which no place keeps for another.
        fold.nextChange = 0
        return Digest.sha256(fold.checkpoint() + runs.json() + identity.json())
    }
}
