import Synchronization

/// What a container writes, to stdout and stderr, on its way to the function's log.
final class ContainerLog: Sendable {
    private struct State {
        var frames = LogFrames(limit: FunctionLog.lineBytes)
        var last: [UInt8] = []
        var call: String?
    }

    private static let cut = Array("[a line of more than \(FunctionLog.lineBytes) bytes was dropped]".utf8)

    private let sink: any LogSink
    private let redaction: Redaction
    private let instance: String
    private let state = Mutex(State())

    init(sink: any LogSink, redaction: Redaction, instance: String) {
        self.sink = sink
        self.redaction = redaction
        self.instance = instance
    }

    /// The last line that was not empty.
    var last: [UInt8] { state.withLock { $0.last } }

    /// A call is about to be sent. What comes from now on is taken for the call's: a container makes no marks.
    func begin(_ call: String) { state.withLock { $0.call = call } }

    /// The call was answered.
    func end() { state.withLock { $0.call = nil } }

    /// Follows a container from its start until it ends.
    /// - Throws: `Engine.Failure`, `CancellationError`.
    func follow(_ container: String, on engine: Engine) async throws {
        try await engine.follow(container) { bytes in
            let lines = self.state.withLock { state in
                state.frames.feed(bytes).map { _, event in
                    guard case .line(let line) = event else { return (Self.cut, state.call) }
                    if !line.isEmpty { state.last = line }
                    return (line, state.call)
                }
            }
            for (line, call) in lines { self.sink.append(line, self.redaction, instance: self.instance, call: call) }
        }
    }

    /// What came after the last line feed.
    func finish() {
        let rest = state.withLock { state in
            let rest = state.frames.finish()
            state.last = rest.last ?? state.last
            return rest
        }
        for line in rest { sink.append(line, redaction, instance: instance, call: nil) }
    }
}
