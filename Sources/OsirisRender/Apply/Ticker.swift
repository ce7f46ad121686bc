import OsirisEngine

import struct Foundation.Date

/// What an apply output is inside: events and time in, text out through a sink. No task, no clock.
protocol TimedOutput: Sendable {
    func observe(_ event: ApplyEvent, at time: Date)
    /// Says what time alone makes worth saying.
    func tick(at time: Date)
    /// Says the last thing. Calling it again does nothing.
    func end()
}

/// Calls `tick` of an output again and again, until it is stopped or nobody holds it any more.
final class Ticker: Sendable {
    private let task: Task<Void, Never>

    init(_ output: some TimedOutput, every interval: Duration) {
        task = Task {
            while !Task.isCancelled {
                output.tick(at: Date())
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// Returns when the last tick is over.
    func stop() async {
        task.cancel()
        await task.value
    }

    deinit { task.cancel() }
}

/// Tells when nothing was said for too long.
struct SilenceWatch {
    /// A little under the ten seconds that are promised, because ticks come now and then only.
    static let limit = 9.5

    private var lastSaid: Date?

    mutating func said(at time: Date) { lastSaid = time }

    /// True if it is time to speak; counts as having spoken.
    mutating func isTooLong(at time: Date) -> Bool {
        guard let last = lastSaid else {
            lastSaid = time
            return false
        }
        guard time.timeIntervalSince(last) >= Self.limit else { return false }
        lastSaid = time
        return true
    }
}
