import Hummingbird
import NIOCore
import Synchronization

/// The body of a caller's request, which may be read in one task while its answer is written in another.
///
/// Once the answer is written the server itself reads what is left of the body, and then nobody else may.
final class CallerBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// The caller went away before the whole body was there, or it is no longer wanted.
    struct Incomplete: Error {}

    private struct State {
        var reading = false
        var closed = false
        var received = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let body: RequestBody
    private let length: Int?
    private let state = Mutex(State())

    /// - Parameter length: bytes that the caller announced, nil if it did not.
    init(_ body: RequestBody, length: Int?) {
        self.body = body
        self.length = length
    }

    /// Bytes that were read so far.
    var received: Int { state.withLock { $0.received } }

    /// Lets nobody read from now on.
    /// - Returns: false if somebody still waits for a piece.
    func close() -> Bool {
        state.withLock { state in
            state.closed = true
            return !state.reading
        }
    }

    /// Lets nobody read, and waits until nobody does. For one task.
    func closed() async {
        await withCheckedContinuation { continuation in
            let quiet = state.withLock { state in
                state.closed = true
                if state.reading { state.waiter = continuation }
                return !state.reading
            }
            if quiet { continuation.resume() }
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(owner: self, inner: body.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: CallerBody
        fileprivate var inner: RequestBody.AsyncIterator

        mutating func next() async throws -> ByteBuffer? {
            try owner.begin()
            var received: ByteBuffer?
            defer { owner.end(received) }
            received = try await inner.next()
            // The server takes the end of the connection for the end of the body.
            if received == nil, !owner.isComplete { throw Incomplete() }
            return received
        }
    }

    private var isComplete: Bool { state.withLock { length == nil || $0.received == length } }

    private func begin() throws {
        try state.withLock { state in
            if state.closed { throw Incomplete() }
            state.reading = true
        }
    }

    private func end(_ piece: ByteBuffer?) {
        let waiter = state.withLock { state in
            state.received += piece?.readableBytes ?? 0
            defer { (state.reading, state.waiter) = (false, nil) }
            return state.waiter
        }
        waiter?.resume()
    }
}
