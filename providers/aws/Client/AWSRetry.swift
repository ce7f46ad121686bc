import OsirisProviderKit

/// How often, and how long apart, a call is made again.
struct AWSRetry: Sendable {
    var backoff = Backoff()
    /// Tries in all of a call that is refused for the rate.
    var throttledAttempts = 10
    /// Tries in all of a call that fails otherwise.
    var transientAttempts = 5
    /// Longest that a service may make a call wait by its own word.
    var longestRetryAfter = Duration.seconds(60)
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Nil if there must be no further try.
    func delay(after kind: AWSError.Kind, attempt: Int) -> Duration? {
        let pause = backoff.delay(after: attempt, jitter: .random(in: 0..<1))
        switch kind {
        case .throttled(let retryAfter):
            guard attempt < throttledAttempts else { return nil }
            return max(pause, min(retryAfter ?? .zero, longestRetryAfter))
        case .transient: return attempt < transientAttempts ? pause : nil
        case .answerLost, .rejected: return nil
        }
    }
}

/// Errors that pass by themselves: an id that is not known everywhere yet, or something that still holds on to what is to
/// be deleted (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
public struct AWSWait: Sendable {
    /// Such as `DependencyViolation`.
    public var codes: Set<String>
    public var atMost: Duration
    var pause = Backoff(first: .seconds(1), most: .seconds(10))

    public init(_ codes: Set<String>, atMost: Duration) {
        self.codes = codes
        self.atMost = atMost
    }
}
