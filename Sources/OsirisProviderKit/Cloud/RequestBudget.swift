/// The buckets of all APIs that a run calls, by name: calls wait their turn here instead of being refused there.
public actor RequestBudget {
    private var buckets: [String: TokenBucket] = [:]
    private let start = ContinuousClock.now
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameter sleep: waits; tests give one that does not.
    public init(sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }) {
        self.sleep = sleep
    }

    /// Waits until a call is due.
    /// - Parameters:
    ///   - api: what has a limit of its own: an account, a region and an action, say.
    ///   - bucket: how often it may be called, for the first time that it is.
    ///   - told: how long it will wait, if it has to.
    public func admit(
        _ api: String, _ bucket: @autoclosure () -> TokenBucket, told: @Sendable (Duration) -> Void = { _ in }
    ) async throws {
        let wait = buckets[api, default: bucket()].take(at: now)
        guard wait > 0 else { return }
        told(.seconds(wait))
        try await sleep(.seconds(wait))
    }

    public func wasThrottled(_ api: String) { buckets[api]?.wasThrottled(at: now) }
    public func wasTaken(_ api: String) { buckets[api]?.wasTaken() }

    private var now: Double { (ContinuousClock.now - start) / .seconds(1) }
}
