import Foundation
import OsirisDiagnostics
import OsirisModel

/// A place that keeps states: this disk, or a service that many machines share.
///
/// Everything above it (sealing, shared commits, what an entry means) is the same for every place, and a state keeps its
/// lineage, serial and history when it moves from one to another.
protocol StateBackend: Sendable {
    /// Path or URL, for messages; without secrets.
    var location: String { get }

    /// What is recorded; nil if there is no state there.
    /// - Throws: `DiagnosticsError`: OSR0401 unreadable, OSR0402 damaged, OSR0403 too new.
    func load() async throws -> StoredState?

    /// Takes the lock, making the state if there is none, and starts a row of the history.
    /// - Parameter lineage: identity of a state that is made now.
    /// - Throws: `DiagnosticsError`: OSR0404 naming the holder, OSR0407 for another cluster's state, OSR0408 when it
    ///   cannot be written, and what `load` throws.
    func begin(
        _ run: RunDescription, as identity: ProcessIdentity, lineage: String, now: Date
    ) async throws -> any BackendSession

    /// Who holds the lock now; nil if nobody does.
    func lockHolder() async throws -> LockHolder?

    /// - Returns: false if the lock is not held under that id.
    func breakLock(id: Int) async throws -> Bool

    /// The latest runs, newest first.
    func applies(limit: Int) async throws -> [ApplyRecord]

    /// What one run recorded, oldest first.
    func events(ofApply id: Int) async throws -> [EventRecord]

    // MARK: Moving, see `StateMove`

    /// What is there, whether or not it may be used.
    func standing() async throws -> PlaceStanding

    /// All there is: of a state in use, or of one that is arriving.
    /// - Throws: as `load`.
    func archive() async throws -> StateArchive?

    /// Keeps a state that is about to move here. It is not in use before `activate`; until then every other call throws.
    /// - Throws: `DiagnosticsError`: OSR0408, OSR0417 if the state of another lineage is there.
    func receive(_ archive: StateArchive, now: Date) async throws

    /// Puts the state that arrived in use. Called again, it changes nothing.
    /// - Throws: `DiagnosticsError`: OSR0408.
    func activate() async throws

    /// Whether the state has to be made again; looks more closely than `load` does.
    /// - Throws: `DiagnosticsError`: OSR0401, OSR0403, OSR0406 if `key` opens none of its secrets, OSR0407.
    func condition(of cluster: String, key: StateKey) async throws -> StateCondition

    /// Moves a damaged state out of the way, whole, over nothing else; it may be killed at any instant and called again.
    /// - Returns: where it is now; nil if it is not damaged, as after another run mended it.
    /// - Throws: `DiagnosticsError`: OSR0408 when it cannot be moved.
    func setDamagedAside(of cluster: String, key: StateKey, now: Date) async throws -> String?
}

/// What a place holds.
enum PlaceStanding: Sendable, Hashable {
    case nothing
    case inUse(lineage: String, cluster: String)
    /// A migration to this place is not finished.
    case arriving(lineage: String)
    case moved(lineage: String, to: String, at: Date)

    var lineage: String? {
        switch self {
        case .nothing: nil
        case .inUse(let lineage, _), .arriving(let lineage), .moved(let lineage, _, _): lineage
        }
    }
}

/// Everything a state consists of, to be kept elsewhere.
struct StateArchive: Sendable {
    var state: StoredState
    /// The highest fencing token that was given out.
    var fencing: Int
    /// Every run with its events, oldest first.
    var runs: [LogFold.Run]
}

/// The lock of one run, in one place. Each call checks the fencing token together with what it writes.
protocol BackendSession: Sendable {
    /// Number of the run in the history.
    var applyID: Int { get }
    /// The lock's fencing token.
    var fencing: Int { get }

    /// Writes entries at once: all of those that do not contradict the state, or none.
    ///
    /// Called by one task at a time.
    /// - Returns: for each entry, OSR0505 if it contradicts the state.
    /// - Throws: `DiagnosticsError`: OSR0405 lock lost, OSR0408 nothing was written and it may be tried again.
    func commit(_ entries: [PreparedEntry], now: Date) async throws -> [Result<Void, DiagnosticsError>]

    /// Keeps the lease alive. Called beside `commit`.
    /// - Throws: as `commit`.
    func renew(now: Date) async throws

    /// Gives a state without resources another lineage, and lets its serial go on above `serial`.
    /// - Throws: OSR0412 if it has resources and another lineage, and as `commit`.
    func adopt(lineage: String, above serial: Int) async throws

    /// Leaves nothing of records that newer ones supersede, sealed secrets above all. What exists does not change.
    /// - Throws: as `commit`.
    func clearSuperseded() async throws

    /// Ends the run's row of the history and releases the lock.
    /// - Parameter whenEmptied: called before the release if this session removed the last resource.
    /// - Throws: as `commit`. The session is over either way.
    func end(_ outcome: ApplyOutcome, now: Date, whenEmptied: @escaping @Sendable () throws -> Void) async throws

    /// Ends the run and the state in this place: from now on every call names the place it moved to.
    /// - Throws: as `commit`. The session is over either way.
    func retire(to place: String, now: Date) async throws

    /// Lets go of what the session holds open, after its lock is lost.
    func abandon() async
}

/// A state as it is stored: secrets are digests, and what is sealed is not opened.
struct StoredState: Sendable {
    var snapshot: StateSnapshot
    /// Sealed secrets by the address of their record; see `RecordSealing`.
    var sealed: [ResourceAddress: [UInt8]] = [:]

    /// The snapshot with its secrets opened.
    /// - Throws: `DiagnosticsError` OSR0406 if there is no key, or none that opens them all.
    func unsealed(by key: StateKey) throws -> StateSnapshot {
        if sealed.isEmpty { return snapshot }
        let sealers = try key.openers()
        var snapshot = snapshot
        for (address, sealed) in sealed {
            guard let attributes = snapshot.resources[address]?.attributes else { continue }
            do {
                snapshot.resources[address]?.attributes = try RecordSealing.open(
                    sealed, address: address.text, attributes: attributes, sealers: sealers)
            } catch { throw key.wrongKey(for: address.text) }
        }
        return snapshot
    }

    /// True if the key opens at least one of the secrets.
    func isOpenedInPart(by key: StateKey) throws -> Bool {
        let sealers = try key.openers()
        return sealed.contains { address, sealed in
            (try? RecordSealing.open(sealed, address: address.text, attributes: [:], sealers: sealers)) != nil
        }
    }
}
