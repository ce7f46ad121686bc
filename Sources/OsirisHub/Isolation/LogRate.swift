/// How fast a log may grow: a bucket of bytes that fills with time. Plain: the caller says what time it is.
struct LogRate: Sendable {
    /// Most bytes at once.
    static let burst = 1_048_576.0
    /// Bytes per second in the long run.
    static let perSecond = 262_144.0
    /// Bytes that must be there again after the bucket ran dry, so that lines are dropped in a few long stretches.
    static let restart = 65_536.0

    private var allowance = Self.burst
    private var last = 0.0
    private var dry = false

    /// True if this many bytes may be written now.
    /// - Parameter now: seconds on a clock that does not go back.
    mutating func admits(_ bytes: Int, at now: Double) -> Bool {
        allowance = min(Self.burst, allowance + (now - last) * Self.perSecond)
        last = now
        if dry, allowance < Self.restart { return false }
        dry = allowance < Double(bytes)
        if !dry { allowance -= Double(bytes) }
        return !dry
    }
}
