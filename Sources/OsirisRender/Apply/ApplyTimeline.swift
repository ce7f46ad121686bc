import OsirisEngine
import OsirisModel
import OsirisPlanner

import struct Foundation.Date

/// When each operation of an apply ran and how it ended, made from its events alone.
public struct ApplyTimeline: Sendable {
    struct Span: Sendable {
        enum Outcome: String, Sendable { case running, succeeded, failed }

        var address: ResourceAddress
        /// Nil for an operation of the rollout that puts a machine back.
        var kind: PlannedOperation.Kind?
        /// Seconds since the apply began.
        var start: Double
        var end: Double
        var outcome = Outcome.running
        var retries = 0
        /// Why it failed.
        var fault: String?
    }

    /// Something that happened at one moment.
    struct Mark: Sendable {
        var at: Double
        var text: String
    }

    private struct Key: Hashable {
        var address: ResourceAddress
        var kind: PlannedOperation.Kind
    }

    private var spans: [Span] = []
    private(set) var marks: [Mark] = []
    /// Operations that were never started, with what failed before them.
    private(set) var skipped: [(address: ResourceAddress, because: ResourceAddress)] = []
    /// When the turn of each machine of the rollout began.
    private(set) var turns: [ResourceAddress: Double] = [:]
    private(set) var seconds = 0.0
    /// How the apply ended; nil before that.
    private(set) var summary: ApplySummary?
    /// At most so many operations at once.
    let parallelism: Int
    private var started: Date?
    private var indices: [Key: Int] = [:]

    /// - Parameter parallelism: as the apply was told.
    public init(parallelism: Int) { self.parallelism = parallelism }

    /// Takes the next event, in order.
    public mutating func take(_ event: ApplyEvent, at time: Date) {
        let start = started ?? time
        started = start
        let now = time.timeIntervalSince(start)
        seconds = max(seconds, now)
        switch event {
        case .started, .progress: break
        case .operationStarted(let address, let kind):
            indices[Key(address: address, kind: kind)] = spans.count
            spans.append(Span(address: address, kind: kind, start: now, end: now))
        case .retrying(let address, _, _, _):
            if let index = spans.lastIndex(where: { $0.address == address && $0.outcome == .running }) {
                spans[index].retries += 1
            }
        case .operationSucceeded(let address, let kind, _): end(address, kind, now, .succeeded)
        case .operationFailed(let address, let kind, let fault): end(address, kind, now, .failed, fault.message)
        case .operationSkipped(let address, _, let because): skipped.append((address, because))
        case .rollout(let step): take(step, now)
        case .stopping(let reason, _, let remaining):
            marks.append(Mark(at: now, text: "\(reason.rawValue): \(remaining.grouped) not begun are left"))
        case .finished(let summary): self.summary = summary
        }
    }

    /// With those that still run up to the last event.
    var measured: [Span] {
        spans.map { span in
            var span = span
            if span.outcome == .running { span.end = seconds }
            return span
        }
    }

    private mutating func end(
        _ address: ResourceAddress, _ kind: PlannedOperation.Kind, _ now: Double, _ outcome: Span.Outcome,
        _ fault: String? = nil
    ) {
        guard let index = indices.removeValue(forKey: Key(address: address, kind: kind)) else { return }
        (spans[index].end, spans[index].outcome, spans[index].fault) = (now, outcome, fault)
    }

    private mutating func take(_ step: RolloutStep, _ now: Double) {
        if let line = step.line { marks.append(Mark(at: now, text: line.text)) }
        switch step {
        case .begun(let machine, _): turns[machine] = now
        case .restored(let address, let took):
            spans.append(
                Span(
                    address: address, kind: nil, start: max(0, now - took.inSeconds), end: now, outcome: .succeeded))
        case .notRestored(let address, let fault):
            spans.append(
                Span(address: address, kind: nil, start: now, end: now, outcome: .failed, fault: fault.message))
        default: break
        }
    }
}
