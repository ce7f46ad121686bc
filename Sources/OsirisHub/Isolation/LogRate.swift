/// How fast a log may grow: a bucket of bytes that fills with time. Plain: the caller says what time it is.
///
/// Who writes faster is not read for a while, so that it waits in its own write. What was read already is kept, on credit.
struct LogRate: Sendable {
    /// Most bytes at once.
    static let burst = 1_048_576.0
    /// Bytes per second in the long run.
    static let perSecond = 262_144.0
    /// Bytes that must be there again after the bucket ran dry, so that reading stops for a few long stretches.
    static let restart = 65_536.0
    /// Most credit. It covers what many pipes hold at one time; beyond it lines are dropped.
    static let credit = 1_048_576.0

    /// What becomes of some bytes.
    struct Verdict: Sendable, Equatable {
        /// False if they must be dropped.
        var keep = true
        /// Seconds not to read from who wrote them.
        var hold = 0.0
        /// What the log must say now.
        var note: Note?
    }

    enum Note: Sendable, Equatable {
        /// From now on who writes is held back.
        case held
        /// That is over; it lasted so many seconds.
        case released(Double)

        var text: String {
            switch self {
            case .held: "[held back: more than 1 MiB of log at once, 256 KiB per second]"
            case .released(let seconds): "[was held back for \(Int(seconds.rounded(.up))) s]"
            }
        }
    }

    private var allowance = Self.burst
    private var last = 0.0
    private var held: (from: Double, to: Double)?

    /// Takes bytes that were read.
    /// - Parameter now: seconds on a clock that does not go back.
    mutating func take(_ bytes: Int, at now: Double) -> Verdict {
        allowance = min(Self.burst, allowance + (now - last) * Self.perSecond)
        last = now
        var verdict = Verdict()
        // A second's worth was left unused: the flood is over, and not only between two reads.
        if let held, allowance >= Self.perSecond {
            verdict.note = .released(held.to - held.from)
            self.held = nil
        }
        verdict.keep = allowance - Double(bytes) > -Self.credit
        if verdict.keep { allowance -= Double(bytes) }
        guard allowance < 0 else { return verdict }
        verdict.hold = (Self.restart - allowance) / Self.perSecond
        if held == nil { verdict.note = .held }
        held = (held?.from ?? now, now + verdict.hold)
        return verdict
    }
}
