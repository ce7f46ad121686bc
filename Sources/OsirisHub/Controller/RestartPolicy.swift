/// When an instance of a function is started again, and what its state is called meanwhile.
///
/// Plain state machine: the caller says what happened and when, in seconds of any clock that only goes forward.
/// An exit within `healthyAfter` of the handshake, or before it, is a quick one. Each quick exit in a row doubles
/// the wait; a longer life starts the count over.
public struct RestartPolicy: Sendable, Equatable {
    /// How it stands with the instance.
    public enum State: String, Sendable, Codable {
        /// Started, its handshake is not here yet; or waiting for its next start.
        case starting
        /// Its handshake is here: it takes calls.
        case ready
        /// It keeps exiting. It is still started again, at growing intervals.
        case crashLoop = "crash-loop"
        /// Not wanted.
        case stopped
    }

    /// First wait, in seconds.
    public static let firstDelay = 0.1
    /// Longest wait, in seconds.
    public static let longestDelay = 30.0
    /// Life after the handshake, in seconds, that makes an exit no longer a quick one.
    public static let healthyAfter = 10.0
    /// Kills in a row after which the next start is still at once.
    public static let freeKills = 3
    /// Longest wait after more of them, in seconds.
    public static let longestPause = 5.0
    /// Calls that must end well after a kill, until it is forgotten.
    public static let probationCalls = 20
    /// Quick exits in a row that make a crash loop.
    public static let crashLoopAfter = 5

    /// How it stands now.
    public private(set) var state = State.stopped
    /// Starts after the first one.
    public private(set) var restarts = 0
    /// Quick exits in a row.
    public private(set) var quickExits = 0
    /// Kills for what a call did, since the last call that ended well.
    public private(set) var killsInRow = 0
    /// Calls that must end well after a kill, until it is forgotten; 0 if there is none to forget.
    public private(set) var probation = 0
    /// Why the last instance that was not killed by the hub ended; nil if none did.
    public private(set) var lastError: String?
    private var readySince: Double?
    private var startedBefore = false

    public init() {}

    /// A process was launched.
    public mutating func started() {
        if startedBefore { restarts += 1 }
        startedBefore = true
        readySince = nil
        if state != .crashLoop { state = .starting }
    }

    /// The handshake came in.
    public mutating func ready(at now: Double) {
        readySince = now
        state = .ready
    }

    /// The process ended without being asked to.
    /// - Parameters:
    ///   - reason: exit code or signal, and the last line on stderr.
    ///   - excused: true when the hub itself killed it, for a call over its limits; no sign of a broken function.
    /// - Returns: seconds to wait before the next start.
    ///
    /// After a kill the next start is at once, so that other calls go on; but who is killed again and again, and does
    /// nothing else, must not keep the machine busy with starts.
    public mutating func exited(at now: Double, reason: String, excused: Bool = false) -> Double {
        let lived = readySince.map { now - $0 }
        readySince = nil
        if excused {
            state = .starting
            killsInRow += 1
            probation = Self.probationCalls
            guard killsInRow > Self.freeKills else { return 0 }
            return Self.delay(killsInRow - Self.freeKills, most: Self.longestPause)
        }
        lastError = reason
        if let lived, lived >= Self.healthyAfter { quickExits = 0 }
        quickExits += 1
        state = quickExits >= Self.crashLoopAfter ? .crashLoop : .starting
        return Self.delay(quickExits, most: Self.longestDelay)
    }

    private static func delay(_ count: Int, most: Double) -> Double {
        var delay = firstDelay
        for _ in 1..<max(count, 1) where delay < most { delay *= 2 }
        return min(delay, most)
    }

    /// A call ended well.
    /// - Returns: true if a kill before it is forgotten with that.
    public mutating func worked() -> Bool {
        killsInRow = 0
        guard probation > 0 else { return false }
        probation -= 1
        return probation == 0
    }

    /// It is no longer wanted.
    public mutating func stopped() {
        state = .stopped
        readySince = nil
    }
}
