import HTTPTypes
import NIOCore
import Synchronization

/// Status and headers of a function's answer.
struct AnswerHead: Sendable, Equatable {
    var status: Int
    var headers: HTTPFields
}

/// An answer on its way from an instance to its caller, one piece at a time: a slow caller makes the instance wait.
final class AnswerStream: Sendable {
    /// What is known first.
    enum First: Sendable {
        /// The head of an answer whose body comes in pieces.
        case head(AnswerHead)
        /// How the call ended, without a body in pieces.
        case end(Instance.Outcome)
    }

    /// The instance failed half way.
    struct Cut: Error { var outcome: Instance.Outcome }

    private struct State {
        var first: First?
        var firstWaiter: CheckedContinuation<First, Never>?
        var offer: (piece: ByteBuffer, giver: CheckedContinuation<Bool, Never>)?
        var taker: CheckedContinuation<ByteBuffer?, any Error>?
        var end: Instance.Outcome?
        var abandoned = false
    }

    private let state = Mutex(State())

    private static func resume(_ taker: CheckedContinuation<ByteBuffer?, any Error>, _ end: Instance.Outcome) {
        if case .streamed = end { taker.resume(returning: nil) } else { taker.resume(throwing: Cut(outcome: end)) }
    }

    private func announce(_ first: First) {
        let waiter = state.withLock { state in
            guard state.first == nil else { return CheckedContinuation<First, Never>?.none }
            state.first = first
            defer { state.firstWaiter = nil }
            return state.firstWaiter
        }
        waiter?.resume(returning: first)
    }
}

// The instance's side.
extension AnswerStream {
    /// Says that the body will come in pieces.
    func begin(_ head: AnswerHead) { announce(.head(head)) }

    /// Hands over a piece of the body, and waits until it is taken.
    /// - Returns: false if nobody will take it.
    func give(_ piece: ByteBuffer) async -> Bool {
        await withCheckedContinuation { giver in
            let (taker, refused) = state.withLock { state in
                defer { state.taker = nil }
                if state.taker == nil, !state.abandoned { state.offer = (piece, giver) }
                return (state.taker, state.abandoned)
            }
            taker?.resume(returning: piece)
            if taker != nil || refused { giver.resume(returning: taker != nil) }
        }
    }

    /// Says how the call ended; a body in pieces was whole if that is `streamed`.
    func finish(_ outcome: Instance.Outcome) {
        let taker = state.withLock { state in
            state.end = outcome
            defer { state.taker = nil }
            return state.taker
        }
        if let taker { Self.resume(taker, outcome) }
        announce(.end(outcome))
    }
}

// The caller's side.
extension AnswerStream {
    /// Waits for the head, or for the end.
    func first() async -> First {
        await withCheckedContinuation { waiter in
            let first = state.withLock { state in
                if state.first == nil { state.firstWaiter = waiter }
                return state.first
            }
            if let first { waiter.resume(returning: first) }
        }
    }

    /// Takes the pieces of the body. When it goes, nobody takes them any more.
    final class Reader: Sendable {
        private let stream: AnswerStream

        init(_ stream: AnswerStream) { self.stream = stream }

        deinit { stream.abandon() }

        /// The next piece; nil at the end.
        /// - Throws: `Cut`.
        func next() async throws -> ByteBuffer? { try await stream.take() }
    }

    private func take() async throws -> ByteBuffer? {
        try await withCheckedThrowingContinuation { taker in
            let (offer, end) = state.withLock { state in
                defer { state.offer = nil }
                if state.offer == nil, state.end == nil { state.taker = taker }
                return (state.offer, state.end)
            }
            if let offer {
                offer.giver.resume(returning: true)
                taker.resume(returning: offer.piece)
            } else if let end {
                Self.resume(taker, end)
            }
        }
    }

    /// Says that nothing more goes from here to there.
    func abandon() {
        let giver = state.withLock { state in
            state.abandoned = true
            defer { state.offer = nil }
            return state.offer?.giver
        }
        giver?.resume(returning: false)
    }
}
