import Dispatch

/// A thread on which to wait for the disk, so that no task of the cooperative pool does. One call at a time, in order.
struct BlockingThread: Sendable {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: label) }

    /// Runs `body` there. Not cancellable: a result must be recorded even when the run is being cancelled.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
