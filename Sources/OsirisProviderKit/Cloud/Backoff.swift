/// How long to wait before a further try: exponentially longer, with jitter, so that many clients that failed together do
/// not come back together.
public struct Backoff: Sendable, Hashable {
    /// Most before the second try.
    public var first: Duration
    /// Most before any try.
    public var most: Duration

    public init(first: Duration = .milliseconds(200), most: Duration = .seconds(20)) {
        self.first = first
        self.most = most
    }

    /// - Parameters:
    ///   - attempt: tries made so far, from 1.
    ///   - jitter: a random number in 0..<1.
    public func delay(after attempt: Int, jitter: Double) -> Duration {
        min(most, first * (1 << min(attempt - 1, 16))) * (0.1 + 0.9 * jitter)
    }
}
