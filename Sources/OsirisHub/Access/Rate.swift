/// How many requests one token, or one client, may send.
public struct Rate: Codable, Sendable, Equatable {
    /// Requests per second in the long run, above 0, at most 1 000 000.
    public var perSecond: Double
    /// Requests at once, 1...1 000 000.
    public var burst: Int

    /// - Parameter burst: nil for a second's worth, and at least 1.
    public init(perSecond: Double, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? max(1, Int(min(perSecond, 1_000_000).rounded(.up)))
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            perSecond: try fields.decode(Double.self, forKey: .perSecond),
            burst: try fields.decodeIfPresent(Int.self, forKey: .burst))
    }

    var isValid: Bool { perSecond > 0 && perSecond <= 1_000_000 && (1...1_000_000).contains(burst) }
}

/// A bucket that fills at a rate and that each request takes one from. Plain; all times are seconds of one clock.
struct TokenBucket: Sendable, Equatable {
    let rate: Rate
    private var level: Double
    private var time: Double

    /// A full one.
    init(_ rate: Rate, at now: Double) {
        self.rate = rate
        level = Double(rate.burst)
        time = now
    }

    /// Takes one.
    /// - Returns: nil, or the seconds until there is one to take.
    mutating func take(at now: Double) -> Double? {
        fill(at: now)
        guard level >= 1 else { return (1 - level) / rate.perSecond }
        level -= 1
        return nil
    }

    /// True if it has all it can hold: as good as a new one.
    mutating func isFull(at now: Double) -> Bool {
        fill(at: now)
        return level >= Double(rate.burst)
    }

    private mutating func fill(at now: Double) {
        // A clock that was set back gives nothing, and takes nothing.
        level = min(Double(rate.burst), level + max(0, now - time) * rate.perSecond)
        time = now
    }
}

/// Requests without a valid token, by the client's address. Keeps a bounded number of addresses. Plain.
struct FailedAttempts: Sendable {
    /// Most addresses kept.
    static let mostAddresses = 1_024

    let rate: Rate
    private var buckets: [String: TokenBucket] = [:]

    init(rate: Rate) { self.rate = rate }

    /// How many addresses are kept.
    var count: Int { buckets.count }

    /// Counts one.
    /// - Returns: nil, or the seconds until the address may fail again.
    mutating func fail(from address: String, at now: Double) -> Double? {
        if buckets[address] == nil, buckets.count >= Self.mostAddresses { forget(at: now) }
        return buckets[address, default: TokenBucket(rate, at: now)].take(at: now)
    }

    /// Makes room: first of those who were quiet for long, else of anyone.
    private mutating func forget(at now: Double) {
        for address in Array(buckets.keys) where buckets[address]?.isFull(at: now) == true { buckets[address] = nil }
        if buckets.count >= Self.mostAddresses, let any = buckets.keys.first { buckets[any] = nil }
    }
}

extension HubError {
    /// - Parameter wait: seconds after which it is worth another try.
    static func rateLimited(_ what: String, wait: Double) -> HubError {
        HubError(
            429, "rate_limited", "\(what). Try again in \(Self.seconds(wait)) s.", retryable: true,
            retryAfter: Self.seconds(wait))
    }

    /// Whole ones, at least 1: `Retry-After` has no others.
    private static func seconds(_ wait: Double) -> Int { Int(min(max(wait.rounded(.up), 1), 86_400)) }
}
