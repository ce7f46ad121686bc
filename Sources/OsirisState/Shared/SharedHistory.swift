import OsirisModel

/// The history: runs of the log since the checkpoint, and those filed before under `runs/`.
extension SharedLog {
    /// Writes down a run that the log is about to lose.
    func file(_ run: LogFold.Run, as id: Int, holding lease: StoreLease?) async throws {
        let events: Value = ["formatVersion": .int(LogFormat.version), "events": .list(run.events.map(\.stored))]
        try await write(
            PartedValue(head: run.record.stored, body: events.json()), as: SharedKeys.run(id), holding: lease)
    }

    /// The latest runs, newest first.
    func applies(_ fold: LogFold, limit: Int) async throws -> [ApplyRecord] {
        let recent = fold.runs.values.map(\.record)
        let keys = try await filedRuns(without: fold).suffix(max(0, limit - recent.count))
        let values = try await reading { try await store.read(Array(keys)) }
        var found = recent
        for key in keys {
            guard let value = values[key] else { continue }
            found.append(
                try decoding(key) { () throws(StoredFault) in
                    try ApplyRecord(stored: try StoredFields(document: value.bytes).map["head"])
                })
        }
        return Array(found.sorted { $0.id > $1.id }.prefix(limit))
    }

    /// What one run recorded, oldest first; empty for a run that is not known.
    func events(_ fold: LogFold, ofApply id: Int) async throws -> [EventRecord] {
        if let run = fold.runs[id] { return run.events }
        guard let filed = try await parted(SharedKeys.run(id)) else { return [] }
        return try decoding(SharedKeys.run(id)) { () throws(StoredFault) in
            var events: [EventRecord] = []
            for event in try StoredFields(document: filed.body).list("events") {
                events.append(try EventRecord(stored: event))
            }
            return events
        }
    }

    /// Keys of the runs that are not in the log any more, oldest first.
    private func filedRuns(without fold: LogFold) async throws -> [String] {
        try await reading { try await store.list(SharedKeys.runs, after: nil) }
            .filter { PartedValue.isWhole($0) && fold.runs[SharedKeys.number($0) ?? 0] == nil }
    }
}
