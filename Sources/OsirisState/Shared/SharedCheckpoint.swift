import Foundation
import OsirisModel

/// Checkpoints: the whole state at a position, so that a reader need not fold the log from its beginning.
extension SharedLog {
    /// A reader that was told of a checkpoint has finished by then, and so has a write that was under way when its lock
    /// was broken: nothing younger is removed.
    static let graceSeconds = 600
    /// Runs whose events are kept.
    static let keptRuns = 1_000
    /// A log this long is worth a checkpoint, however small it is: each segment is a read.
    static let longLog = 64

    /// True if folding the log costs a reader more than reading a checkpoint, so that writing one costs a small constant
    /// for each change.
    static func isDue(_ fold: LogFold) -> Bool {
        if fold.resources.isEmpty { return fold.size.segments > 2 }
        return fold.size.bytes > fold.checkpointBytes || fold.size.segments >= longLog
    }

    /// Files the runs of the log, writes a checkpoint at its end, and removes what older ones cover.
    func writeCheckpoint(of fold: LogFold, now: Date, holding lease: StoreLease?) async throws {
        for (id, run) in fold.runs.sorted(by: { $0.key < $1.key }) {
            try await file(run, as: id, holding: lease)
        }
        let value = PartedValue(head: ["time": .int(now.stateMilliseconds)], body: fold.checkpoint())
        try await write(value, as: SharedKeys.checkpoint(fold.position), holding: lease)
        try await trim(below: fold.position, now: now)
    }

    /// Removes checkpoints before the last but one, and the log it covers, if that one is old enough.
    private func trim(below position: Int, now: Date) async throws {
        let keys = try await reading { try await store.list(SharedKeys.checkpoints, after: nil) }
        let older = keys.filter { (SharedKeys.number($0) ?? .max) < position }
        guard let kept = older.last(where: PartedValue.isWhole), let covered = SharedKeys.number(kept),
            let time = try await head(kept)?.map["time"]?.intValue,
            now.stateMilliseconds - time > Self.graceSeconds * 1000
        else { return }
        let log = try await reading { try await store.list(SharedKeys.log, after: nil) }
        let runs = try await reading { try await store.list(SharedKeys.runs, after: nil) }
        let oldestRun = runs.filter(PartedValue.isWhole).suffix(Self.keptRuns).first.flatMap(SharedKeys.number) ?? 0
        // A checkpoint loses its key `whole` first, so that no reader begins with one that is half removed.
        let checkpoints = older.filter { (SharedKeys.number($0) ?? .max) < covered }
        try await remove(checkpoints.filter(PartedValue.isWhole))
        try await remove(
            checkpoints.filter { !PartedValue.isWhole($0) }
                + log.filter { (SharedKeys.number($0) ?? .max) <= covered }
                + runs.filter { (SharedKeys.number($0) ?? .max) < oldestRun })
    }

    /// Removes all that the checkpoint at `position` covers, whatever its age, but the marks of runs: they hold no record,
    /// and a former holder of the lock must find them where it would write.
    func clear(before position: Int) async throws {
        let checkpoints = try await reading { try await store.list(SharedKeys.checkpoints, after: nil) }
            .filter { (SharedKeys.number($0) ?? .max) < position }
        try await remove(checkpoints.filter(PartedValue.isWhole))
        try await remove(checkpoints.filter { !PartedValue.isWhole($0) })
        let keys = try await reading { try await store.list(SharedKeys.log, after: nil) }
            .filter { (SharedKeys.number($0) ?? .max) <= position }
        let values = try await reading { try await store.read(keys) }
        try await remove(
            keys.filter { key in
                guard let fields = try? values[key].map({ try StoredFields(document: $0.bytes) }) else { return false }
                return fields.has("changes") || fields.has("slice")
            })
    }

    private func remove(_ keys: [String]) async throws {
        if !keys.isEmpty { try await writing { try await store.remove(keys) } }
    }

    private func head(_ key: String) async throws -> StoredFields? {
        guard let value = try await reading({ try await store.read(key) }) else { return nil }
        return try decoding(key) { () throws(StoredFault) in
            try StoredFields(try StoredFields(document: value.bytes).map["head"])
        }
    }
}
