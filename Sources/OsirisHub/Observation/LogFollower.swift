import Synchronization

/// One reader that follows a log: takes new lines as they come. What a slow one has not taken is bounded; the excess is
/// dropped and told with the next lines.
final class LogFollower: Sendable {
    /// Most bytes of text that wait for the reader.
    static let waitingBytes = 256 * 1024

    private struct Waiting {
        var lines: [LogLine] = []
        var bytes = 0
        var dropped = 0
        var ended = false
    }

    private let query: LogQuery
    private let waiting = Mutex(Waiting())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(_ query: LogQuery) {
        self.query = query
        // One signal stands for any number of lines.
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Hands over a line. Returns at once.
    func offer(_ line: LogLine) {
        guard query.matches(line) else { return }
        waiting.withLock { waiting in
            if waiting.bytes + line.text.utf8.count > Self.waitingBytes {
                waiting.dropped += 1
            } else {
                waiting.lines.append(line)
                waiting.bytes += line.text.utf8.count
            }
        }
        signal.yield()
    }

    /// No more lines come; what waits is still handed out.
    func end() {
        waiting.withLock { $0.ended = true }
        signal.finish()
    }

    /// Hands batches of lines to the reader until the log ends, the reader throws, or its task is cancelled.
    func each(_ read: ([LogLine]) async throws -> Void) async throws {
        for await _ in signals { try await hand(read) }
        try Task.checkCancellation()
        try await hand(read)
    }

    private func hand(_ read: ([LogLine]) async throws -> Void) async throws {
        let (lines, dropped) = waiting.withLock { waiting in
            defer { waiting = Waiting(ended: waiting.ended) }
            return (waiting.lines, waiting.dropped)
        }
        let note = dropped > 0 ? [LogLine(time: lines.last?.time, text: "[\(dropped) lines dropped: read faster]")] : []
        if !lines.isEmpty || dropped > 0 { try await read(lines + note) }
    }
}
