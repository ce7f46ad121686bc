import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner

import struct Foundation.Date

/// What the live view knows: events in, lines out. No terminal, no clock.
public struct LiveViewState: Sendable {
    private static let runningLimit = 6
    private static let failureLimit = 3

    private var tally = ApplyTally()
    private var upcoming: UpcomingOperations?
    private var failures: [Failure] = []
    private var finished: [Finished] = []

    private struct Failure {
        var address: ResourceAddress
        var diagnostic: Diagnostic
    }

    private struct Finished {
        var paint: Paint
        var mark: String
        var text: String
    }

    /// - Parameter plan: tells what comes next; nil if that is not known.
    public init(plan: Plan? = nil) { upcoming = plan.map(UpcomingOperations.init) }

    /// True when no further frame is worth drawing.
    public var isFinished: Bool { tally.isFinished }

    /// Takes one event.
    public mutating func take(_ event: ApplyEvent, at time: Date) {
        tally.take(event, at: time)
        switch event {
        case .operationStarted(let address, let kind): upcoming?.leave(address, kind)
        case .operationSucceeded(let address, let kind, let took):
            upcoming?.succeed(address, kind)
            finish(.green, "✓", "\(kind.done) \(address)  \(DurationText.render(took))")
        case .operationFailed(let address, let kind, let diagnostic):
            failures.append(Failure(address: address, diagnostic: diagnostic))
            finish(
                .boldRed, "✗", "\(kind.doing) failed: \(diagnostic.code.rawValue) \(diagnostic.line(about: address))")
        case .operationSkipped(let address, let kind, let because):
            upcoming?.leave(address, kind)
            finish(.yellow, "–", "skipped \(address): \(because) failed")
        case .rollout(let step): if let line = step.line { finish(line.paint, line.mark, line.text) }
        case .stopping(let reason, _, _): finish(.yellow, "!", reason.sentence)
        case .started, .progress, .retrying, .finished: break
        }
    }

    private mutating func finish(_ paint: Paint, _ mark: String, _ text: String) {
        finished.append(Finished(paint: paint, mark: mark, text: PrintableText.escaped(text)))
    }

    /// The lines since the last call that scroll away above the view.
    public mutating func takeFinishedLines(style: TextStyle) -> [String] {
        defer { finished.removeAll(keepingCapacity: true) }
        return finished.flatMap { item in
            PrintableText.wrapped(item.text, to: style.width - 4).enumerated().map { index, line in
                index == 0 ? style.paint(item.mark, item.paint) + " " + line : "  " + line
            }
        }
    }

    /// The view itself: at most twelve lines, each narrower than the terminal; none before the start and after the end.
    public func frame(at time: Date, style: TextStyle) -> [String] {
        guard tally.started != nil, !tally.isFinished else { return [] }
        // A line that fills the last column makes some terminals wrap.
        let width = style.width - 1
        var lines = [style.paint(PrintableText.clipped(header(at: time), to: width), .bold)]
        for failure in failures.suffix(Self.failureLimit) {
            let text = "  ✗ " + failure.diagnostic.line(about: failure.address)
            lines.append(style.paint(PrintableText.clipped(text, to: width), .red))
        }
        if let rollout = tally.rollout {
            lines.append(style.paint(PrintableText.clipped("  " + PrintableText.escaped(rollout), to: width), .yellow))
        }
        lines += runningLines(at: time, style: style, width: width)
        if let line = upcomingLine() { lines.append(style.paint(PrintableText.clipped(line, to: width), .dim)) }
        return lines
    }

    private func header(at time: Date) -> String {
        let verb =
            switch tally.stopping {
            case nil: "Applying"
            case .cancelled: "Cancelling"
            default: "Stopping"
            }
        return "\(verb): \(tally.progress), \(tally.runningCount.grouped) running, \(seconds(tally.elapsed(at: time)))"
    }

    private func runningLines(at time: Date, style: TextStyle, width: Int) -> [String] {
        let running = tally.running
        let shown = running.prefix(Self.runningLimit)
        let names = shown.map { PrintableText.clipped(PrintableText.escaped($0.address.text), to: width / 2) }
        let column = names.map { PrintableText.width($0) }.max() ?? 0
        var lines = zip(shown, names).map { item, name in
            let elapsed = seconds(time.timeIntervalSince(item.since))
            let step = item.step(at: time).map { "  " + PrintableText.escaped($0) } ?? ""
            let padding = String(repeating: " ", count: max(0, 6 - elapsed.utf8.count))
            let text = "  \(PrintableText.padded(name, to: column))  \(item.kind.doing)\(padding)\(elapsed)\(step)"
            return PrintableText.clipped(text, to: width)
        }
        if running.count > shown.count { lines.append("  … \((running.count - shown.count).grouped) more running") }
        return lines
    }

    /// Whole seconds: tenths that race by say nothing.
    private func seconds(_ seconds: Double) -> String {
        seconds < 60 ? "\(max(0, Int(seconds)))s" : DurationText.render(seconds: seconds.rounded(.down))
    }

    private func upcomingLine() -> String? {
        guard let upcoming, upcoming.waitingCount > 0 else { return nil }
        if tally.stopping != nil { return "  not started: \(upcoming.waitingCount.grouped)" }
        let next = upcoming.next(2).map { PrintableText.escaped($0.text) }
        let more = upcoming.waitingCount - next.count
        if next.isEmpty { return "  \(more.grouped) more wait for these" }
        return "  next: \(next.joined(separator: ", "))" + (more > 0 ? " and \(more.grouped) more" : "")
    }
}
