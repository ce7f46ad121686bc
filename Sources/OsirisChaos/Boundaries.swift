import Foundation
import OsirisEngine
import Synchronization

/// The places of a run at which it can be cut: each event of an apply, and the moments before and after each call of a
/// provider, which are those between intent and call and between answer and result. Counts them and does there what the
/// step says. Lives in the child process only.
public final class Boundaries: Sendable {
    /// What becomes of a call.
    enum Way { case open, closed, silent }

    private struct Counters {
        var passed = 0
        var calls = 0
        var clockOffset = 0
    }

    let step: Step
    private let log: CInt
    private let counters = Mutex(Counters())

    /// - Parameter log: file that gets a line for each boundary, so that a dead run can tell how far it came.
    public init(_ step: Step, log: String) {
        self.step = step
        self.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var offset = 0
        for jump in step.clockJumps where jump.boundary == 0 { offset += jump.seconds }
        counters.withLock { $0.clockOffset = offset }
    }

    /// Prepares the process: a full disk is an error and not a signal, a hung run ends, a timed kill runs.
    /// - Parameter patience: seconds after which SIGALRM ends a run that does not end by itself.
    public func arm(patience: UInt32 = 120) {
        signal(SIGXFSZ, SIG_IGN)
        alarm(patience)
        guard let milliseconds = step.killAfterMilliseconds else { return }
        Thread.detachNewThread {
            usleep(UInt32(milliseconds) * 1000)
            Self.die()
        }
    }

    /// The state's clock.
    public func now() -> Date { Date().addingTimeInterval(Double(counters.withLock { $0.clockOffset })) }

    /// Counts a boundary; does not return if the run dies here.
    /// - Parameter name: for the log, without a line break.
    func pass(_ name: String) {
        counters.withLock { counters in
            counters.passed += 1
            let line = Array("\(counters.passed) \(name)\n".utf8)
            _ = write(log, line, line.count)
            // Under the lock, so that no other boundary comes between the count and its effect.
            if counters.passed == step.killAt { Self.die() }
            if let full = step.fullDisk {
                if counters.passed == full.boundary { Self.limitFiles(to: 1) }
                // At the end too: an apply whose state is full starts nothing more, and its last words go to a file.
                if counters.passed == full.boundary + full.count || name == Self.end { Self.limitFiles(to: nil) }
            }
            // Blocks every task that comes to a boundary, on purpose: a process that sleeps does nothing at all.
            if let nap = step.nap, nap.boundary == counters.passed { usleep(UInt32(nap.milliseconds) * 1000) }
            for jump in step.clockJumps where jump.boundary == counters.passed { counters.clockOffset += jump.seconds }
        }
    }

    /// Counts a call and says whether it gets through.
    func way() -> Way {
        counters.withLock { counters in
            counters.calls += 1
            guard let outage = step.outage, (outage.call..<outage.call + outage.count).contains(counters.calls) else {
                return .open
            }
            return outage.takesEffect ? .silent : .closed
        }
    }

    /// The boundary after the last operation.
    private static let end = "apply finished"

    /// Nothing is flushed, closed or released: the process is gone as after a power cut.
    private static func die() -> Never {
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    /// The soft limit alone, so that the process may raise it again. 1 is RLIMIT_FSIZE (getrlimit(2)).
    private static func limitFiles(to bytes: rlim_t?) {
        let resource = __rlimit_resource_t(1)
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = bytes ?? limit.rlim_max
        setrlimit(resource, &limit)
    }
}

extension Boundaries: ApplyObserver {
    public func observe(_ event: ApplyEvent, at time: Date) {
        switch event {
        case .started: pass("apply started")
        case .operationStarted(let address, let kind): pass("\(kind) of \(address) started")
        case .progress(let address, _): pass("progress of \(address)")
        case .retrying(let address, _, let attempt, _): pass("try \(attempt) of \(address) failed")
        case .operationSucceeded(let address, let kind, _): pass("\(kind) of \(address) succeeded")
        case .operationFailed(let address, let kind, _): pass("\(kind) of \(address) failed")
        case .operationSkipped(let address, let kind, _): pass("\(kind) of \(address) skipped")
        case .rollout(let step): pass("rollout: \(step)".prefix { $0 != "\n" }.description)
        case .stopping: pass("apply stopping")
        case .finished: pass(Self.end)
        }
    }
}
