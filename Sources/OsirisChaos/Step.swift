/// One run of the program within a scenario, with everything that will go wrong in it. The parent hands it to the child
/// process as JSON; it holds nothing of the manifest.
///
/// Boundaries and calls are counted from 1.
public struct Step: Codable, Sendable, Hashable {
    /// How often the simulated place fails by itself; see docs/providers/simulated.md.
    public struct Faults: Codable, Sendable, Hashable {
        /// Probabilities, 0 to 1.
        public var throttle = 0.0
        public var transient = 0.0
        public var lostAnswer = 0.0
        public var seed = 1
    }

    /// The calls from `call` on, `count` of them, get no answer.
    public struct Outage: Codable, Sendable, Hashable {
        public var call: Int
        public var count: Int
        /// True: each call takes effect and its answer is lost; false: it never arrives.
        public var takesEffect: Bool
    }

    /// No file can grow from boundary `boundary` until `count` boundaries later.
    public struct FullDisk: Codable, Sendable, Hashable {
        public var boundary: Int
        public var count: Int
    }

    /// The state's clock goes wrong by so many seconds at a boundary; boundary 0 is before the run.
    public struct ClockJump: Codable, Sendable, Hashable {
        public var boundary: Int
        public var seconds: Int
    }

    /// Nothing of the process moves for so long, as on a laptop that was closed.
    public struct Nap: Codable, Sendable, Hashable {
        public var boundary: Int
        public var milliseconds: Int
    }

    public var variant: Twin.Variant = .wanted
    /// `destroy` instead of `apply`.
    public var destroys = false
    /// Operations at once.
    public var parallelism = 8
    public var faults: Faults?
    /// Boundary at which the process kills itself with SIGKILL.
    public var killAt: Int?
    /// Time after its start at which the process kills itself with SIGKILL, wherever it is.
    public var killAfterMilliseconds: Int?
    public var outage: Outage?
    public var fullDisk: FullDisk?
    public var nap: Nap?
    public var clockJumps: [ClockJump] = []
    public var sabotage: Sabotage?

    public init() {}

    /// True if the process is to die by SIGKILL, should it come that far.
    var expectsKill: Bool { killAt != nil || killAfterMilliseconds != nil }
}

extension Step {
    /// What goes wrong, for people: `32 at once, kill -9 at boundary 37`.
    public var words: String {
        var parts: [String] = []
        if variant != .wanted { parts.append("with another manifest") }
        if let faults {
            let rates = [
                ("throttling", faults.throttle), ("transient errors", faults.transient),
                ("lost answers", faults.lostAnswer),
            ]
            for (name, rate) in rates where rate > 0 { parts.append("\(name) \(Int((rate * 100).rounded())) %") }
        }
        if let outage {
            let last = outage.call + outage.count - 1
            parts.append(
                "calls \(outage.call) to \(last) \(outage.takesEffect ? "lose their answers" : "do not arrive")")
        }
        if let fullDisk {
            parts.append("disk full from boundary \(fullDisk.boundary) for \(fullDisk.count) boundaries")
        }
        if let nap { parts.append("asleep at boundary \(nap.boundary) for \(nap.milliseconds) ms") }
        for jump in clockJumps {
            let place = jump.boundary == 0 ? "from the start" : "at boundary \(jump.boundary)"
            parts.append("clock \(jump.seconds < 0 ? "" : "+")\(jump.seconds) s \(place)")
        }
        if let killAt { parts.append("kill -9 at boundary \(killAt)") }
        if let killAfterMilliseconds { parts.append("kill -9 after \(killAfterMilliseconds) ms") }
        if let sabotage { parts.append("sabotage \(sabotage.rawValue)") }
        return "\(parallelism) at once" + (parts.isEmpty ? ", undisturbed" : ", " + parts.joined(separator: ", "))
    }
}
