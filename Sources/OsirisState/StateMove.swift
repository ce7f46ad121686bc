import Foundation
import OsirisDiagnostics
import OsirisModel

/// Moves a state to another place, so that at no moment two places take writes.
///
/// Under the lock of the old place: everything is written to the new one, where it is not in use yet, and read back; then
/// the old one is retired, for good; then the new one is put in use. Cut off anywhere, doing it again finishes it.
public struct StateMove: Sendable {
    /// Where a move was cut off, for tests that do so.
    enum Step: String, CaseIterable, Sendable { case begun, received, verified, retired }

    let old: StateStore
    let new: StateStore
    var reached: @Sendable (Step) throws -> Void = { _ in }

    public init(from old: StateStore, to new: StateStore) {
        self.old = old
        self.new = new
    }

    /// - Parameter arguments: the command line, for the history.
    /// - Returns: the state as it is in the new place, without opening what is sealed.
    /// - Throws: `DiagnosticsError`: OSR0404, OSR0415 if the state moved to a third place, OSR0417 if there is nothing to
    ///   move or another state is in the new place, and what reading and writing throw.
    public func run(arguments: [String]) async throws -> StateSnapshot {
        let here = try await old.backend.standing()
        let there = try await new.backend.standing()
        guard old.location != new.location else {
            throw Fault.migration("the state is in \(old.location) already", help: "name another place with --to")
        }
        switch here {
        case .nothing:
            throw Fault.migration(
                "there is no state in \(old.location)", help: "the first apply makes one, in the place you choose")
        case .arriving: throw Fault.arriving(old.location)
        case .moved(let lineage, let place, let date):
            guard place == new.location, there.lineage == lineage else {
                throw Fault.moved(old.location, to: place, at: date)
            }
            if case .arriving = there { try await finish() }
        case .inUse(let lineage, let cluster):
            switch there {
            case .nothing: break
            case .arriving(lineage), .moved(lineage, _, _): break
            default:
                throw Fault.migration(
                    "there is another state in \(new.location)",
                    help: "choose a place that holds none; nothing was changed")
            }
            try await move(cluster, arguments)
        }
        return try await new.snapshot(unsealing: false)
    }

    /// Puts in use what arrived before this was cut off.
    private func finish() async throws {
        // Tokens are never given out twice: a copy with another one is of a later move, whose state is in use elsewhere.
        guard let retired = try await old.backend.archive(), let copy = try await new.backend.archive(),
            retired.fencing == copy.fencing
        else { throw Fault.arriving(new.location) }
        try await new.backend.activate()
    }

    private func move(_ cluster: String, _ arguments: [String]) async throws {
        let session = try await old.begin(
            RunDescription(operation: "state migrate", cluster: cluster, arguments: arguments))
        do {
            try reached(.begun)
            guard var archive = try await old.backend.archive() else { throw Fault.lockLost(old.location) }
            archive.fencing = session.fencing
            // In the new place, this run is over.
            for index in archive.runs.indices where archive.runs[index].record.id == session.applyID {
                archive.runs[index].record.outcome = .succeeded
                archive.runs[index].record.endedAt = Date(stateMilliseconds: old.now().stateMilliseconds)
            }
            try await old.keyThread.run { [old, new] in try old.key.copy(to: new.key) }
            try await new.backend.receive(archive, now: old.now())
            try reached(.received)
            guard let copy = try await new.backend.archive(), try copy.digest() == archive.digest() else {
                throw Fault.migration(
                    "what was read back from \(new.location) is not what was written",
                    help: "the state stays where it is; run the migration again, or choose another place")
            }
            try reached(.verified)
        } catch {
            try? await session.end(.failed)
            throw error
        }
        try await session.retire(to: new.location)
        try reached(.retired)
        try await new.backend.activate()
    }
}
