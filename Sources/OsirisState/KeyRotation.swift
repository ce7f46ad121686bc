import OsirisDiagnostics
import OsirisModel
import OsirisTransport

extension StateSession {
    /// Seals every sealed secret under a new key, then makes that key the present one.
    ///
    /// In this order: the new key is on disk, all records are sealed under it in one commit, nothing sealed under the old
    /// one is left, the new key takes the old one's place. Cut off anywhere, the state opens with the two keys there are,
    /// and doing it again finishes it.
    /// - Parameter snapshot: read under this lock, unsealed.
    /// - Returns: how many records were sealed anew.
    /// - Throws: `DiagnosticsError`: OSR0405, OSR0406, OSR0408.
    public func rotateKey(_ snapshot: StateSnapshot) async throws -> Int {
        let rule = store.sealing
        let records = snapshot.resources.values.filter { RecordSealing.isNeeded($0, rule: rule) }
            .sorted { $0.address < $1.address }
        let sealer = try await store.keyThread.run { [key = store.key] in try key.loadOrCreateNext() }
        let entries = try records.map { record in
            var record = record
            // What the object keeps for a rebuild is still under the old key, until it is updated.
            record.incomplete = record.incomplete ?? ResourceRecord.keyChanged
            return PreparedEntry(
                .observed(record, text: "sealed under a new key"),
                sealed: try RecordSealing.seal(record, rule: rule, sealer: sealer))
        }
        for result in try await backend.commit(entries, now: store.now()) { try result.get() }
        try await backend.clearSuperseded()
        try await store.keyThread.run { [key = store.key] in try key.promoteNext() }
        return records.count
    }
}
