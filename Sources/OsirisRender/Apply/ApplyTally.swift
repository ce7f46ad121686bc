import OsirisEngine
import OsirisModel
import OsirisPlanner

import struct Foundation.Date

/// What an apply has done so far and what runs: the sum of its events.
struct ApplyTally {
    /// An operation that was started and has not ended.
    struct Running {
        var address: ResourceAddress
        var kind: PlannedOperation.Kind
        var since: Date
        /// The last step it told of, or nil.
        fileprivate var step: String?
        /// Set while it waits for, or is in, another try.
        fileprivate var retry: (attempt: Int, at: Date, reason: String)?
        /// Order of starting.
        fileprivate var number: Int

        /// What it is at, or nil if it told nothing.
        func step(at time: Date) -> String? {
            guard let retry else { return step }
            let wait = retry.at.timeIntervalSince(time)
            let when = wait > 0 ? " in \(DurationText.render(seconds: wait))" : ""
            return "try \(retry.attempt)\(when): \(retry.reason)"
        }

        /// True if telling this step again says nothing new.
        func isAt(_ step: String) -> Bool { retry == nil && self.step == step }
    }

    private(set) var started: Date?
    private(set) var total = 0
    private(set) var succeeded = 0
    private(set) var failed = 0
    private(set) var skipped = 0
    private(set) var stopping: StopReason?
    /// What the rollout is at, such as `canary fleet/machine.m0001`; nil where the operations say it.
    private(set) var rollout: String?
    private(set) var isFinished = false
    // An address has one operation at a time: a replacement deletes, then creates.
    private var runningByAddress: [ResourceAddress: Running] = [:]
    private var numbers = 0

    /// `37 of 1,300 done, 1 failed`, without what is zero.
    var progress: String {
        var parts = ["\(succeeded.grouped) of \(total.grouped) done"]
        if failed > 0 { parts.append("\(failed.grouped) failed") }
        if skipped > 0 { parts.append("\(skipped.grouped) skipped") }
        return parts.joined(separator: ", ")
    }
    var runningCount: Int { runningByAddress.count }
    /// The longest running first.
    var running: [Running] { runningByAddress.values.sorted { $0.number < $1.number } }

    func running(_ address: ResourceAddress) -> Running? { runningByAddress[address] }
    func elapsed(at time: Date) -> Double { started.map { time.timeIntervalSince($0) } ?? 0 }

    private mutating func take(_ step: RolloutStep) {
        switch step {
        case .begun(let machine, canary: true): rollout = "canary \(machine): the others wait for it"
        case .passed(_, canary: true, _): rollout = nil
        case .pausing(let machine, let pause): rollout = "pause of \(DurationText.render(pause)) after \(machine)"
        case .puttingBack(let machine, _, _): rollout = "putting back \(machine)"
        case .putBack, .begun(_, canary: false): rollout = nil
        case .passed, .restored, .notRestored, .stopped: break
        }
    }

    mutating func take(_ event: ApplyEvent, at time: Date) {
        if started == nil { started = time }
        switch event {
        case .started(let operations): total = operations
        case .operationStarted(let address, let kind):
            numbers += 1
            runningByAddress[address] = Running(address: address, kind: kind, since: time, number: numbers)
        case .progress(let address, let step):
            runningByAddress[address]?.step = step
            runningByAddress[address]?.retry = nil
        case .retrying(let address, let reason, let attempt, let delay):
            runningByAddress[address]?.retry = (attempt + 1, time.addingTimeInterval(delay.inSeconds), reason)
        case .operationSucceeded(let address, _, _):
            runningByAddress[address] = nil
            succeeded += 1
        case .operationFailed(let address, _, _):
            // Told once for each fault of the operation; counted once.
            if runningByAddress.removeValue(forKey: address) != nil { failed += 1 }
        case .operationSkipped: skipped += 1
        case .rollout(let step): take(step)
        case .stopping(let reason, _, _): stopping = reason
        case .finished: isFinished = true
        }
    }
}
