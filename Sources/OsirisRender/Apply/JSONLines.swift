import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import Synchronization

import struct Foundation.Date

/// Apply output for programs: one JSON object for each event and line; a `still-running` event after ten seconds
/// without one. Every object has `time` (RFC 3339, UTC, milliseconds) and `event`.
public final class JSONLines: ApplyOutput {
    private let output: JSONOutput
    private let ticker: Ticker

    /// - Parameter sink: receives one line at a time, with its line break.
    public init(sink: @escaping @Sendable (String) -> Void) {
        output = JSONOutput(sink: sink)
        ticker = Ticker(output, every: .milliseconds(500))
    }

    /// One event as its line.
    public static func line(_ event: ApplyEvent, at time: Date) -> String {
        JSONOutput.line(EventJSON.entries(event), at: time)
    }

    public func observe(_ event: ApplyEvent, at time: Date) { output.observe(event, at: time) }

    /// Says nothing more about silence.
    public func end() async {
        await ticker.stop()
        output.end()
    }
}

final class JSONOutput: TimedOutput {
    private let sink: @Sendable (String) -> Void
    private let state = Mutex((tally: ApplyTally(), silence: SilenceWatch()))

    init(sink: @escaping @Sendable (String) -> Void) { self.sink = sink }

    func observe(_ event: ApplyEvent, at time: Date) {
        // Written under the lock: events must not overtake each other.
        state.withLock {
            $0.tally.take(event, at: time)
            $0.silence.said(at: time)
            sink(Self.line(EventJSON.entries(event), at: time))
        }
    }

    func tick(at time: Date) {
        state.withLock {
            guard $0.tally.started != nil, !$0.tally.isFinished, $0.silence.isTooLong(at: time) else { return }
            let running = $0.tally.running.prefix(10).map { item -> Value in
                var entries: [String: Value] = [
                    "address": .string(item.address.text), "action": .string(item.kind.rawValue),
                    "milliseconds": .int(Int((time.timeIntervalSince(item.since) * 1000).rounded())),
                ]
                if let step = item.step(at: time) { entries["message"] = .string(step) }
                return .map(entries)
            }
            sink(
                Self.line(
                    [
                        "event": "still-running", "done": .int($0.tally.succeeded), "failed": .int($0.tally.failed),
                        "skipped": .int($0.tally.skipped), "total": .int($0.tally.total),
                        "runningCount": .int($0.tally.runningCount), "running": .list(running),
                    ], at: time))
        }
    }

    func end() {}

    static func line(_ entries: [String: Value], at time: Date) -> String {
        var entries = entries
        entries["time"] = .string(Timestamp.render(time))
        return String(decoding: Value.map(entries).plainJSON(), as: UTF8.self) + "\n"
    }
}
