import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import Synchronization

import struct Foundation.Date

/// Apply output for logs and CI: one line for each event, with the time since the start; never silent for ten seconds.
public final class PlainLines: ApplyOutput {
    private let output: PlainOutput
    private let ticker: Ticker

    /// - Parameter sink: receives whole lines, each with its line break.
    public init(style: TextStyle = TextStyle(), sink: @escaping @Sendable (String) -> Void) {
        output = PlainOutput(style: style, sink: sink)
        ticker = Ticker(output, every: .milliseconds(500))
    }

    public func observe(_ event: ApplyEvent, at time: Date) { output.observe(event, at: time) }

    /// Says nothing more about silence.
    public func end() async {
        await ticker.stop()
        output.end()
    }
}

final class PlainOutput: TimedOutput {
    private let sink: @Sendable (String) -> Void
    private let state: Mutex<PlainLinesState>

    init(style: TextStyle = TextStyle(), sink: @escaping @Sendable (String) -> Void) {
        self.sink = sink
        state = Mutex(PlainLinesState(style: style))
    }

    func observe(_ event: ApplyEvent, at time: Date) {
        // Written under the lock: lines must not overtake each other.
        state.withLock { if let lines = $0.take(event, at: time) { sink(lines) } }
    }

    func tick(at time: Date) {
        state.withLock { if let lines = $0.tick(at: time) { sink(lines) } }
    }

    func end() {}
}

/// Events in, lines out.
struct PlainLinesState {
    private let style: TextStyle
    private var tally = ApplyTally()
    private var silence = SilenceWatch()

    init(style: TextStyle) { self.style = style }

    mutating func take(_ event: ApplyEvent, at time: Date) -> String? {
        let before = tally
        tally.take(event, at: time)
        guard let text = text(event, before) else { return nil }
        silence.said(at: time)
        return stamped(text, at: time)
    }

    mutating func tick(at time: Date) -> String? {
        guard tally.started != nil, !tally.isFinished, silence.isTooLong(at: time) else { return nil }
        let running = tally.running
        if running.isEmpty { return stamped("still waiting, nothing runs (\(tally.progress))", at: time) }
        let listed = running.prefix(3).map { item in
            let since = DurationText.render(seconds: time.timeIntervalSince(item.since))
            let step = item.step(at: time).map { ", \(PrintableText.escaped($0))" } ?? ""
            return "\(item.kind.doing) \(PrintableText.escaped(item.address.text)) for \(since)\(step)"
        }
        let more = running.count > listed.count ? "; \((running.count - listed.count).grouped) more" : ""
        return stamped("still \(listed.joined(separator: "; "))\(more) (\(tally.progress))", at: time)
    }

    private func stamped(_ text: String, at time: Date) -> String {
        let stamp = DurationText.render(seconds: tally.elapsed(at: time))
        return "[\(String(repeating: " ", count: max(0, 6 - stamp.utf8.count)))\(stamp)] \(text)\n"
    }

    private func text(_ event: ApplyEvent, _ before: ApplyTally) -> String? {
        func name(_ address: ResourceAddress) -> String { PrintableText.escaped(address.text) }
        switch event {
        case .started(let operations): return "applying \(operations.counted("operation"))"
        case .operationStarted(let address, let kind): return "\(kind.doing) \(name(address))"
        case .progress(let address, let step):
            // Some steps are told again and again while they last.
            if before.running(address)?.isAt(step) == true { return nil }
            return "\(name(address)): \(PrintableText.escaped(step))"
        case .retrying(let address, let reason, let attempt, let delay):
            return "\(name(address)): try \(attempt) failed, again in \(DurationText.render(delay)): "
                + PrintableText.escaped(reason)
        case .operationSucceeded(let address, let kind, let took):
            return style.paint(kind.done, .green)
                + " \(name(address)) in \(DurationText.render(took)) (\(tally.progress))"
        case .operationFailed(let address, let kind, let diagnostic):
            let help = diagnostic.help.map { "; " + PrintableText.escaped($0) } ?? ""
            return style.paint("failed", .boldRed)
                + " \(kind.doing): \(diagnostic.code.rawValue) \(diagnostic.line(about: address))\(help)"
        case .operationSkipped(let address, _, let because):
            return style.paint("skipped", .yellow) + " \(name(address)): \(name(because)) failed"
        case .rollout(let step): return step.line.map { style.paint(PrintableText.escaped($0.text), $0.paint) }
        case .stopping(let reason, _, _): return reason.sentence
        // The summary that follows says it.
        case .finished: return nil
        }
    }
}

extension StopReason {
    /// What happens now.
    var sentence: String {
        switch self {
        case .interrupted: "interrupted: nothing new is started, what runs is finished; interrupt again to cancel it"
        case .cancelled: "cancelled: what runs is cut off"
        case .deadline: "deadline reached: nothing new is started, what runs is finished"
        case .lockLost: "lock lost: nothing new is started"
        }
    }
}
