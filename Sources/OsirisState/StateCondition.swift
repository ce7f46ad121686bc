import Foundation
import OsirisDiagnostics

/// Whether a state has to be made again.
public enum StateCondition: Sendable {
    /// There is no file.
    case missing
    /// The file cannot be used (OSR0402); the reason.
    case damaged(String)
    /// Healthy, and without resources, or with those of a rebuild that did not end or left something out.
    case fillable(serial: Int, resources: Int)
    /// Healthy; how many resources it has.
    case filled(Int)

    public var isDamaged: Bool { if case .damaged = self { true } else { false } }
}

extension StateStore {
    /// The name of the runs that make a state again, in its history.
    public static let rebuildOperation = "state rebuild"

    /// Looks more closely than other commands do: at every page of a database.
    /// - Throws: `DiagnosticsError`: OSR0401 unreadable, OSR0403 too new, OSR0406 none of its secrets can be opened, OSR0407 of
    ///   another cluster.
    public func condition(cluster: String) async throws -> StateCondition {
        try await backend.condition(of: cluster, key: key)
    }

    /// Moves a damaged state out of the way: a database to `PATH.damaged-TIME` with its log beside it. Never over another
    /// file; deletes nothing. May be killed at any instant and called again.
    /// - Returns: where it is now; nil if it is not damaged, as after another run mended it.
    /// - Throws: `DiagnosticsError`: OSR0408 when it cannot be moved.
    public func setDamagedAside(cluster: String) async throws -> String? {
        try await backend.setDamagedAside(of: cluster, key: key, now: now())
    }
}

extension StoredState {
    /// - Parameter last: the latest run of the history.
    func condition(after last: ApplyRecord?) -> StateCondition {
        let isUnfinished = last?.operation == StateStore.rebuildOperation && last?.outcome != .succeeded
        return snapshot.resources.isEmpty || isUnfinished
            ? .fillable(serial: snapshot.serial, resources: snapshot.resources.count)
            : .filled(snapshot.resources.count)
    }

    /// - Throws: OSR0407; OSR0402 where the key opens some secrets and not others, OSR0406 where it opens none.
    func check(cluster: String, key: StateKey, location: String) throws {
        if let recorded = snapshot.cluster, recorded != cluster {
            throw Fault.otherCluster(location, recorded: recorded, wanted: cluster)
        }
        do { _ = try unsealed(by: key) } catch let error as DiagnosticsError
            where error.diagnostics.first?.code == .stateKey
        {
            if (try? isOpenedInPart(by: key)) == true {
                throw Fault.damaged(location, "sealed secrets in it were changed")
            }
            throw error
        }
    }
}
