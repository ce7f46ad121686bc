import HTTPTypes
import NIOCore
import Synchronization

/// A call is a line of JSON on stdin, its answer the next line on stdout.
final class LineWire: Wire {
    private struct State {
        var waiter: CheckedContinuation<LineFramer.Event?, Never>?
        var isClosed = false
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) { self.channel = channel }

    /// Takes what came from the instance.
    /// - Parameter event: nil for the end.
    /// - Returns: false if no call waits for it.
    func received(_ event: LineFramer.Event?) -> Bool {
        let waiter = state.withLock { state in
            if event == nil { state.isClosed = true }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: event)
        return waiter != nil
    }

    func run(_ call: InstanceCall, to answer: AnswerStream, limit: Int) async throws -> Instance.Outcome {
        guard case .whole(var line) = call.body else { throw WireFault.broken("The call has no line.") }
        line.writeInteger(UInt8(0x0A))
        let event = await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if !state.isClosed { state.waiter = continuation }
                return state.isClosed
            }
            if isClosed { continuation.resume(returning: nil) } else { channel.writeAndFlush(line, promise: nil) }
        }
        switch event {
        case nil: throw WireFault.closed
        case .overflow: throw WireFault.tooLarge
        case .line(let line):
            // oneLine makes an empty document {}; an empty line is no answer.
            guard !line.isEmpty, HubJSON.oneLine(line) != nil else { throw WireFault.broken("The answer is not JSON.") }
            let head = AnswerHead(status: 200, headers: [.contentType: "application/json"])
            return .answered(head, ByteBuffer(bytes: line))
        }
    }
}
