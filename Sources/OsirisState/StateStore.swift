import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel
import Synchronization

/// The state of one cluster: an SQLite database, read as snapshots and written by one session at a time.
///
/// Nothing is written, not even a folder, before the first `begin`. Every call does its file work on a thread of the
/// store's own and may be made from any task.
public final class StateStore: Sendable {
    /// Path of the database file.
    public let path: String
    let file: StateFile
    let key: StateKey
    let sealing: SealingRule
    /// The clock of leases and of the history.
    let now: @Sendable () -> Date
    let thread = StateThread()
    private let freshLineage: String

    private init(
        path: String, keyText: String?, lineage: String?, sealing: @escaping SealingRule,
        now: @escaping @Sendable () -> Date
    ) {
        self.path = path
        freshLineage = lineage ?? UUID().uuidString.lowercased()
        file = StateFile(path: path)
        let folder = (path as NSString).deletingLastPathComponent
        key = StateKey(path: folder.isEmpty ? "key" : folder + "/key", environment: keyText)
        self.sealing = sealing
        self.now = now
    }

    /// A store for a database that exists or will be made. Touches no file.
    /// - Parameters:
    ///   - path: of the database, such as `.osiris/state.db`; the key file `key` is its neighbour.
    ///   - keyText: the value of `OSIRIS_STATE_KEY`, if set: 64 hexadecimal digits or base64 of 32 bytes.
    ///   - lineage: identity of a state that does not exist yet; nil makes one up. A plan file brings its own.
    ///   - sealing: the attributes whose clear secrets are kept, sealed. All other secrets are kept as digests only.
    ///   - now: the clock; `test chaos` gives one that jumps.
    public static func open(
        path: String, keyText: String? = nil, lineage: String? = nil,
        sealing: @escaping SealingRule = { _, _ in false }, now: @escaping @Sendable () -> Date = { Date() }
    ) -> StateStore {
        StateStore(path: path, keyText: keyText, lineage: lineage, sealing: sealing, now: now)
    }

    /// What is recorded. A missing file gives an empty snapshot with serial 0 and the lineage it will be made with.
    /// - Parameter unsealing: false leaves sealed secrets as digests, and needs no key.
    /// - Throws: `DiagnosticsError`: OSR0401 unreadable, OSR0402 damaged, OSR0403 too new, OSR0406 key.
    public func snapshot(unsealing: Bool = true) async throws -> StateSnapshot {
        try await thread.run { [self] in
            guard file.exists else { return StateSnapshot(lineage: freshLineage) }
            return try read(SnapshotReader(path: path, key: key, unsealing: unsealing).read)
        }
    }

    /// Takes the lock, making the database if there is none, and starts a row of the history.
    ///
    /// The caller reads its snapshot after this, or compares lineage and serial with an earlier one.
    /// - Throws: `DiagnosticsError`: OSR0404 naming the holder, OSR0407 for another cluster's state, OSR0408 when it
    ///   cannot be written, and what `snapshot` throws.
    public func begin(_ run: RunDescription, as identity: ProcessIdentity = .current) async throws -> StateSession {
        try await thread.run { [self] in
            try file.create(lineage: freshLineage, cluster: run.cluster)
            return try StateSession.start(run, as: identity, in: self)
        }
    }

    /// Who holds the lock now; nil if nobody does.
    public func lockHolder() async throws -> LockHolder? {
        try await thread.run { [self] in file.exists ? try read(LockTable.holder) : nil }
    }

    /// Takes the lock away from a holder that is known to be gone. A session that still runs then writes nothing more.
    /// - Parameter id: from the message that named the holder, so that no later holder is hit.
    /// - Returns: false if the lock is not held under that id.
    public func breakLock(id: Int) async throws -> Bool {
        try await thread.run { [self] in
            guard file.exists else { return false }
            return try file.withDatabase(writing: true) { db in
                var released = false
                try db.inTransaction(.immediate) {
                    released = try LockTable.release(db, fencing: id)
                    return .commit
                }
                return released
            }
        }
    }

    /// Runs `body` in one read transaction.
    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try file.withDatabase(writing: false) { db in
            var result: Result?
            try db.inTransaction(.deferred) {
                result = try body(db)
                return .commit
            }
            // inTransaction has run its body, or thrown.
            return result!
        }
    }
}

/// What a run is, for the lock and the history.
public struct RunDescription: Sendable {
    /// `apply`, `destroy`, `state rm`, …
    public var operation: String
    /// Name of the cluster in the manifest.
    public var cluster: String
    /// Commit of the manifest's repository, where there is one.
    public var commit: String?
    /// The command line. The caller leaves out secrets, such as values of variables.
    public var arguments: [String]

    public init(operation: String, cluster: String, commit: String? = nil, arguments: [String] = []) {
        self.operation = operation
        self.cluster = cluster
        self.commit = commit
        self.arguments = arguments
    }
}
