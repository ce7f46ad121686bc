import Dispatch

/// The thread on which a store waits for the disk, so that no task of the cooperative pool does.
struct StateThread: Sendable {
    private let queue = DispatchQueue(label: "osiris.state")

    /// Runs `body` there. Not cancellable: a result must be recorded even when the run is being cancelled.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
