import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// What happens during an apply, in the order it happens. `--json` prints one line for each.
public enum ApplyEvent: Sendable {
    /// - Parameter operations: how many will run.
    case started(operations: Int)
    case operationStarted(ResourceAddress, PlannedOperation.Kind)
    case progress(ResourceAddress, String)
    /// - Parameter attempt: the number of the try that failed, from 1.
    case retrying(ResourceAddress, reason: String, attempt: Int, delay: Duration)
    case operationSucceeded(ResourceAddress, PlannedOperation.Kind, took: Duration)
    case operationFailed(ResourceAddress, PlannedOperation.Kind, Diagnostic)
    /// Not started because what it needs failed.
    case operationSkipped(ResourceAddress, PlannedOperation.Kind, because: ResourceAddress)
    case rollout(RolloutStep)
    /// Nothing more is started; `running` operations are finished and recorded.
    case stopping(StopReason, running: Int, remaining: Int)
    case finished(ApplySummary)
}

/// Why an apply starts nothing more.
public enum StopReason: String, Sendable {
    case interrupted, cancelled, deadline
    case lockLost = "lock lost"
}

/// How an apply ended.
public struct ApplySummary: Sendable {
    public var mode = Plan.Mode.apply
    public var succeeded: [PlannedOperation.Kind: Int] = [:]
    public var failed = 0
    public var skipped = 0
    /// Addresses of operations that never started, after an early stop.
    public var remaining: [ResourceAddress] = []
    /// Machines of the rollout that failed, in that order.
    public var failedMachines: [FailedMachine] = []
    /// Roots that the plan set aside.
    public var setAside: [ResourceAddress] = []
    /// Roots that the plan left alone, as somebody wants it.
    public var leftAlone: [ResourceAddress] = []
    public var stopped: StopReason?
    public var diagnostics: [Diagnostic] = []
    public var took: Duration = .zero

    public init() {}

    public var isComplete: Bool { failed == 0 && skipped == 0 && remaining.isEmpty && setAside.isEmpty }
}

/// Receives events from many tasks; must return quickly and never block on I/O that can hang.
public protocol ApplyObserver: Sendable {
    func observe(_ event: ApplyEvent, at time: Date)
}

/// The handle by which signals, deadlines and tests stop an apply, in two steps.
public actor ApplyControl {
    /// Nil until the first stop.
    public private(set) var stopReason: StopReason?
    private var cancel: (@Sendable () -> Void)?
    private var notify: (@Sendable (StopReason) -> Void)?

    public init() {}

    /// First step: start nothing more, finish and record what runs. Second step, on a further call with `.interrupted`
    /// or with `.cancelled`: cancel what runs.
    public func stop(_ reason: StopReason) {
        if stopReason == nil && reason != .cancelled {
            stopReason = reason
            notify?(reason)
        } else if reason == .interrupted || reason == .cancelled {
            stopReason = .cancelled
            notify?(.cancelled)
            cancel?()
        }
    }

    /// Who is told of a stop, and what the second step cancels; the latest caller counts.
    public func attach(notify: @escaping @Sendable (StopReason) -> Void, cancel: @escaping @Sendable () -> Void) {
        (self.notify, self.cancel) = (notify, cancel)
        if let stopReason { notify(stopReason) }
    }
}
