/// How often an API may be called: a bucket of tokens that fills at a rate. The rate falls when the service says that it is
/// too high, and comes back with every call that it takes.
///
/// A value without a clock: times are seconds from any start.
public struct TokenBucket: Sendable, Hashable {
    private static let leastRate = 0.5
    private static let cut = 0.6
    private static let recovery = 0.05

    /// Calls at once, after a rest.
    public let burst: Double
    /// Calls per second at best.
    public let fullRate: Double
    /// Calls per second now.
    public private(set) var rate: Double
    private var tokens: Double
    private var filled = 0.0
    private var lastCut = -Double.infinity

    public init(burst: Double, perSecond rate: Double) {
        (self.burst, fullRate, self.rate, tokens) = (burst, rate, rate, burst)
    }

    /// Takes a token, one that will come if there is none.
    /// - Returns: seconds until it is there.
    public mutating func take(at now: Double) -> Double {
        fill(now)
        tokens -= 1
        return tokens >= 0 ? 0 : -tokens / rate
    }

    /// The service refused a call for the rate: no burst is left, and the rate is lower. Calls that were under way together
    /// are refused together, so that it falls once in a second at most.
    public mutating func wasThrottled(at now: Double) {
        fill(now)
        tokens = min(tokens, 0)
        guard now - lastCut >= 1 else { return }
        lastCut = now
        rate = max(Self.leastRate, rate * Self.cut)
    }

    /// The service took a call.
    public mutating func wasTaken() { rate = min(fullRate, rate + fullRate * Self.recovery) }

    private mutating func fill(_ now: Double) {
        tokens = min(burst, tokens + max(0, now - filled) * rate)
        filled = max(filled, now)
    }
}
