import OsirisDiagnostics
import OsirisModel

/// What happens to a machine that takes its turn in a rollout. A machine is named by its root.
public enum RolloutStep: Sendable {
    /// - Parameter canary: it goes before all others.
    case begun(ResourceAddress, canary: Bool)
    /// Everything of its turn succeeded.
    /// - Parameter waiting: machines that have not begun.
    case passed(ResourceAddress, canary: Bool, waiting: Int)
    /// Its place stays taken for so long.
    case pausing(ResourceAddress, Duration)
    /// - Parameter operations: how many will be undone.
    case puttingBack(ResourceAddress, because: ResourceAddress, operations: Int)
    /// One object is again as it was before the turn.
    case restored(ResourceAddress, took: Duration)
    case notRestored(ResourceAddress, Diagnostic)
    /// - Parameter complete: false if something of it could not be put back.
    case putBack(ResourceAddress, complete: Bool)
    /// No further machine begins.
    case stopped(because: ResourceAddress, waiting: Int)
}

/// A machine whose turn failed.
public struct FailedMachine: Sendable, Hashable {
    public enum End: String, Sendable {
        /// It is again as it was.
        case putBack = "put back"
        /// Some of it is, some could not be put back.
        case partly = "partly put back"
        /// It is as the failure left it.
        case left
    }

    public var root: ResourceAddress
    /// The first operation that failed.
    public var address: ResourceAddress
    public var end: End
}
