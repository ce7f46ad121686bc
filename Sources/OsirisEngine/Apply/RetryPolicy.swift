import OsirisProviderKit

/// When a failed call is made again: by class of error, with exponential backoff and full jitter.
public struct RetryPolicy: Sendable {
    /// Tries in all, the first included.
    public var maxAttempts: Int
    public var firstDelay: Duration
    public var maxDelay: Duration
    /// How long an answer "cannot know yet" is asked again.
    public var resolveDeadline: Duration

    public init(
        maxAttempts: Int = 8, firstDelay: Duration = .milliseconds(200), maxDelay: Duration = .seconds(20),
        resolveDeadline: Duration = .seconds(60)
    ) {
        self.maxAttempts = maxAttempts
        self.firstDelay = firstDelay
        self.maxDelay = maxDelay
        self.resolveDeadline = resolveDeadline
    }

    /// The pause before the next try, or nil if there must be none.
    /// - Parameters:
    ///   - attempt: tries made so far, from 1.
    ///   - jitter: a random number in 0..<1.
    public func delay(after error: ProviderError.Kind, attempt: Int, jitter: Double) -> Duration? {
        guard attempt < maxAttempts else { return nil }
        let backoff = Backoff(first: firstDelay, most: maxDelay).delay(after: attempt, jitter: jitter)
        switch error {
        case .rejected, .fenced: return nil
        case .throttled(let retryAfter): return max(retryAfter ?? .zero, backoff)
        case .transient, .answerLost: return backoff
        }
    }
}
