import Foundation
import Synchronization

/// Pauses between machines, which end early when the apply is stopped.
final class Pauses: Sendable {
    private let state = Mutex((ended: false, sleeping: [UUID: Task<Void, any Error>]()))
    private let sleep: @Sendable (Duration) async throws -> Void

    init(sleep: @escaping @Sendable (Duration) async throws -> Void) { self.sleep = sleep }

    /// Returns when the time is over, or at `end`, or when the task is cancelled.
    func pause(_ duration: Duration) async {
        let id = UUID()
        let sleep = sleep
        let task: Task<Void, any Error>? = state.withLock { state in
            if state.ended { return nil }
            let task = Task { try await sleep(duration) }
            state.sleeping[id] = task
            return task
        }
        guard let task else { return }
        _ = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        state.withLock { $0.sleeping[id] = nil }
    }

    /// Ends all pauses, those to come too.
    func end() {
        let sleeping = state.withLock { state in
            state.ended = true
            return Array(state.sleeping.values)
        }
        for task in sleeping { task.cancel() }
    }
}
