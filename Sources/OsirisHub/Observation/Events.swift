import Foundation
import Logging
import Synchronization

/// The hub's events: told from anywhere in one line, stored soon after, read and followed by callers.
///
/// Followers get an event once it is stored, so an id that somebody saw is never given to another event.
final class Events: Sendable {
    /// Most that are kept; the oldest go.
    static let kept = 10_000

    private struct State {
        var unsaved: [HubEvent] = []
        var dropped = 0
        var followers: [ObjectIdentifier: Signal] = [:]
        var ended = false
    }

    /// Wakes who waits for events; one signal stands for any number.
    final class Signal: Sendable {
        let stream: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation

        init() {
            (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        }

        func ring() { continuation.yield() }
        func end() { continuation.finish() }
    }

    private let store: ObservationStore
    private let logger: Logger
    private let state = Mutex(State())
    private let news = Signal()

    init(store: ObservationStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// How many follow now.
    var followers: Int { state.withLock { $0.followers.count } }

    /// Notes what happened. Returns at once.
    func tell(
        _ kind: HubEvent.Kind, _ function: FunctionName? = nil, version: Int? = nil, instance: String? = nil,
        _ message: String? = nil
    ) {
        let event = HubEvent(
            kind, function, version: version, instance: instance, message, time: Date().timeIntervalSince1970)
        state.withLock { state in
            // A disk that takes nothing must not fill the memory.
            if state.unsaved.count < Self.kept { state.unsaved.append(event) } else { state.dropped += 1 }
        }
        news.ring()
    }

    /// Stores what is told, as it comes, until `end`.
    func run() async {
        for await _ in news.stream { await save() }
        await save()
    }

    /// Lets `run` and all followers end.
    func end() {
        let followers = state.withLock { state in
            state.ended = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.end() }
        news.end()
    }

    /// The oldest events after an id.
    /// - Parameter count: most to return.
    func after(_ id: Int, in scope: ObservationStore.Scope, count: Int) async throws -> [HubEvent] {
        try await store.events(after: id, in: scope, count: count)
    }

    /// The newest events, oldest first.
    func newest(_ count: Int, in scope: ObservationStore.Scope) async throws -> [HubEvent] {
        try await store.newestEvents(count, in: scope)
    }

    /// Begins to follow; `unfollow` must be called at the end. The signal rings after each batch that is stored.
    func follow() -> Signal {
        let signal = Signal()
        let ended = state.withLock { state in
            state.followers[ObjectIdentifier(signal)] = signal
            return state.ended
        }
        if ended { signal.end() }
        return signal
    }

    func unfollow(_ signal: Signal) {
        state.withLock { _ = $0.followers.removeValue(forKey: ObjectIdentifier(signal)) }
    }

    private func save() async {
        let events = state.withLock { state in
            defer { (state.unsaved, state.dropped) = ([], 0) }
            if state.dropped > 0 { logger.error("\(state.dropped) events were lost") }
            return state.unsaved
        }
        guard !events.isEmpty else { return }
        do {
            try await store.add(events, keeping: Self.kept)
            for follower in state.withLock({ Array($0.followers.values) }) { follower.ring() }
        } catch {
            logger.error("\(events.count) events cannot be stored: \(error)")
            state.withLock { $0.unsaved = Array((events + $0.unsaved).suffix(Self.kept)) }
        }
    }
}
