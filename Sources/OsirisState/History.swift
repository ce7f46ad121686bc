import Foundation
import OsirisModel

/// How a run ended.
public enum ApplyOutcome: String, Sendable, Hashable {
    case succeeded, failed, interrupted
    /// The process ended without saying so: it was killed, or its lock was taken over.
    case abandoned
}

/// One run that held the lock, for the history.
public struct ApplyRecord: Sendable, Hashable {
    public var id: Int
    /// `apply`, `destroy`, `state rm`, …
    public var operation: String
    public var startedAt: Date
    /// Nil while it runs, and for an abandoned run.
    public var endedAt: Date?
    public var user: String
    public var host: String
    public var pid: Int
    /// Commit of the manifest's repository, where there is one.
    public var commit: String?
    /// The command line, without secrets.
    public var arguments: [String]
    /// Nil while it runs.
    public var outcome: ApplyOutcome?
    /// How many events of each kind it recorded.
    public var counts: [EventRecord.Kind: Int]
}

/// One row of the history: a finished operation, or a note.
public struct EventRecord: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case created, updated, deleted, failed, observed, moved, forgotten, note

        /// True if the address has no resource after it.
        var removes: Bool { self == .deleted || self == .forgotten }
        /// True if it says nothing about what exists.
        var isRemark: Bool { self == .failed || self == .note }
    }

    public var time: Date
    public var kind: Kind
    public var address: ResourceAddress?
    public var text: String
}

extension Date {
    /// Whole milliseconds since 1970 UTC, the unit of every time in the database.
    var stateMilliseconds: Int { Int((timeIntervalSince1970 * 1000).rounded()) }

    init(stateMilliseconds: Int) { self.init(timeIntervalSince1970: Double(stateMilliseconds) / 1000) }
}
