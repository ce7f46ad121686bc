import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport

/// The state of one cluster, read as snapshots and written by one session at a time.
///
/// Nothing is written before the first `begin`. May be used from any task.
public final class StateStore: Sendable {
    let backend: any StateBackend
    let key: StateKey
    let keyThread = BlockingThread("osiris.key")
    let sealing: SealingRule
    let now: @Sendable () -> Date
    private let freshLineage: String

    init(
        _ backend: any StateBackend, key: StateKey, lineage: String?, sealing: @escaping SealingRule,
        now: @escaping @Sendable () -> Date
    ) {
        self.backend = backend
        self.key = key
        self.sealing = sealing
        self.now = now
        freshLineage = lineage ?? UUID().uuidString.lowercased()
    }

    /// A store for a database that exists or will be made. Touches no file.
    /// - Parameters:
    ///   - path: of the database, such as `.osiris/state.db`; its key file is its neighbour: `key`, or `NAME.key` of another name.
    ///   - keyText: the value of `OSIRIS_STATE_KEY`, if set: 64 hexadecimal digits or base64 of 32 bytes.
    ///   - nextKeyText: the value of `OSIRIS_STATE_KEY_NEXT`, while that key is being changed.
    ///   - lineage: identity of a state that does not exist yet; nil makes one up. A plan file brings its own.
    ///   - sealing: the attributes whose clear secrets are kept, sealed. All other secrets are kept as digests only.
    ///   - now: the clock; tests bring their own.
    public static func open(
        path: String, keyText: String? = nil, nextKeyText: String? = nil, lineage: String? = nil,
        sealing: @escaping SealingRule = { _, _ in false }, now: @escaping @Sendable () -> Date = { Date() }
    ) -> StateStore {
        StateStore(
            LocalBackend(path: path),
            key: StateKey(
                path: StatePlace.keyPath(beside: path), environment: keyText, nextEnvironment: nextKeyText),
            lineage: lineage, sealing: sealing, now: now)
    }

    /// A store in a place that exists or will be made. Touches no file and sends nothing.
    /// - Parameters:
    ///   - keyFolder: where the key file `key` of a shared state is, such as `.osiris` beside the manifest; that of a
    ///     file is its neighbour.
    ///   - environment: `OSIRIS_STATE_KEY`, `OSIRIS_STATE_KEY_NEXT`, and the settings of services.
    /// - Throws: `DiagnosticsError` (OSR0416) if settings of a service are missing or malformed.
    public static func open(
        _ place: StatePlace, keyFolder: String, environment: [String: String], lineage: String? = nil,
        sealing: @escaping SealingRule = { _, _ in false }, now: @escaping @Sendable () -> Date = { Date() }
    ) throws(DiagnosticsError) -> StateStore {
        StateStore(
            try place.backend(environment: environment),
            key: StateKey(
                path: place.keyPath(keyFolder: keyFolder), environment: environment[StateKey.variable],
                nextEnvironment: environment[StateKey.nextVariable]),
            lineage: lineage, sealing: sealing, now: now)
    }

    /// Path or URL, without secrets.
    public var location: String { backend.location }

    /// What is recorded. No state gives an empty snapshot with serial 0 and the lineage it will be made with.
    /// - Parameter unsealing: false leaves sealed secrets as digests, and needs no key.
    /// - Throws: `DiagnosticsError`: OSR0401 unreadable, OSR0402 damaged, OSR0403 too new, OSR0406 key.
    public func snapshot(unsealing: Bool = true) async throws -> StateSnapshot {
        guard let stored = try await backend.load() else { return StateSnapshot(lineage: freshLineage) }
        guard unsealing else { return stored.snapshot }
        return try await keyThread.run { [key] in try stored.unsealed(by: key) }
    }

    /// The state's key, if there is one. Makes none, unlike `StateSession.sealingKey`.
    /// - Throws: `DiagnosticsError`: OSR0406 unreadable or malformed.
    public func existingKey() async throws -> Sealer? { try await keyThread.run { [key] in try key.existing() } }

    /// Every key that something may be sealed with: the present one first, then one that follows it or went before.
    /// - Throws: `DiagnosticsError`: OSR0406 none, unreadable or malformed.
    public func keys() async throws -> [Sealer] { try await keyThread.run { [key] in try key.openers() } }

    /// Takes the lock, making the state if there is none, and starts a row of the history.
    ///
    /// The caller reads its snapshot after this, or compares lineage and serial with an earlier one.
    /// - Throws: `DiagnosticsError`: OSR0404 naming the holder, OSR0407 for another cluster's state, OSR0408 when it
    ///   cannot be written, and what `snapshot` throws.
    public func begin(_ run: RunDescription, as identity: ProcessIdentity = .current) async throws -> StateSession {
        StateSession(self, try await backend.begin(run, as: identity, lineage: freshLineage, now: now()))
    }

    /// Who holds the lock now; nil if nobody does.
    public func lockHolder() async throws -> LockHolder? { try await backend.lockHolder() }

    /// The run that is at work now; nil if nobody holds the lock, or its holder is known to be gone.
    public func activeRun() async throws -> LockHolder? {
        guard let holder = try await lockHolder() else { return nil }
        let isGone = LockRule.mayTake(
            from: holder, host: ProcessIdentity.current.host, now: now(),
            startOfProcess: ProcessIdentity.startMark)
        return isGone ? nil : holder
    }

    /// Takes the lock away from a holder that is known to be gone. A session that still runs then writes nothing more.
    /// - Parameter id: from the message that named the holder, so that no later holder is hit.
    /// - Returns: false if the lock is not held under that id.
    public func breakLock(id: Int) async throws -> Bool { try await backend.breakLock(id: id) }

    /// The latest runs, newest first; empty without a state.
    /// - Throws: `DiagnosticsError` as for `snapshot`.
    public func applies(limit: Int) async throws -> [ApplyRecord] { try await backend.applies(limit: limit) }

    /// What one run recorded, oldest first. Very old events may have been cleared away.
    /// - Throws: `DiagnosticsError` as for `snapshot`.
    public func events(ofApply id: Int) async throws -> [EventRecord] { try await backend.events(ofApply: id) }
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
