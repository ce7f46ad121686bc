/// A phase, and the runs that are disturbed in it: all of it follows from the seed and from the length of the
/// undisturbed runs.
public struct Scenario: Sendable {
    /// What `--seed` takes: a number, or `PHASE-BOUNDARY` for one kill.
    public var seed: String
    public var phase: Phase
    /// One after the other; the steps of one round run at the same time on the same state.
    public var rounds: [[Step]]

    /// One kill and nothing else.
    /// - Parameter boundary: from 1.
    public static func kill(_ phase: Phase, at boundary: Int) -> Scenario {
        var step = phase.undisturbed
        // One at a time the boundary is always the same one; many at a time commits are shared.
        step.parallelism = boundary.isMultiple(of: 2) ? 1 : 16
        step.killAt = boundary
        return Scenario(seed: "\(phase)-\(boundary)", phase: phase, rounds: [[step]])
    }

    /// Everything that can go wrong, mixed.
    /// - Parameter boundaries: of the undisturbed run of each phase.
    public static func mixed(seed: UInt64, boundaries: [Phase: Int]) -> Scenario {
        var random = SplitMix64(seed: seed)
        let phase = Phase.allCases.randomElement(using: &random) ?? .create
        let length = max(1, boundaries[phase] ?? 1)
        var rounds: [[Step]] = []
        for round in 0..<Int.random(in: 1...3, using: &random) {
            // A later run has less to do.
            let length = round == 0 ? length : length / 2 + 1
            var steps = [step(phase, length: length, &random)]
            if random.chance(0.3) {
                steps =
                    random.chance(0.5)
                    ? steps + [step(phase, length: length, &random)] : overtaking(phase, length: length, &random)
                if random.chance(0.5), phase != .remove {
                    steps[Int.random(in: 0...1, using: &random)].variant = .earlier
                }
            }
            rounds.append(steps)
        }
        return Scenario(seed: String(seed), phase: phase, rounds: rounds)
    }

    /// The scenario that a seed names; nil if it names none.
    public init?(seed: String, boundaries: [Phase: Int]) {
        if let number = UInt64(seed) {
            self = .mixed(seed: number, boundaries: boundaries)
            return
        }
        let parts = seed.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let phase = Phase(rawValue: String(parts[0])), let boundary = Int(parts[1]),
            (1...max(1, boundaries[phase] ?? 0)).contains(boundary)
        else { return nil }
        self = .kill(phase, at: boundary)
    }

    private init(seed: String, phase: Phase, rounds: [[Step]]) {
        (self.seed, self.phase, self.rounds) = (seed, phase, rounds)
    }

    /// So many kill points, spread evenly over all boundaries; every boundary where there are not more.
    public static func killPoints(_ count: Int, boundaries: [Phase: Int]) -> [Scenario] {
        let all = Phase.allCases.flatMap { phase in (0..<(boundaries[phase] ?? 0)).map { (phase, $0 + 1) } }
        let taken = min(count, all.count)
        return (0..<taken).map { index in
            let (phase, boundary) = all[index * all.count / taken]
            return .kill(phase, at: boundary)
        }
    }

    /// For people, one line.
    public var words: String {
        let runs = rounds.enumerated().map { index, steps in
            let together = steps.map(\.words).joined(separator: " | at the same time: ")
            return rounds.count == 1 ? together : "run \(index + 1): \(together)"
        }
        return "\(phase): " + runs.joined(separator: "; ")
    }

    /// True if an operator with another manifest may rightly remove what is made again later.
    var changesItsMind: Bool { rounds.joined().contains { $0.variant != .wanted } }

    private static func step(_ phase: Phase, length: Int, _ random: inout SplitMix64) -> Step {
        var step = phase.undisturbed
        step.parallelism = [1, 2, 4, 8, 32].randomElement(using: &random) ?? 1
        if random.chance(0.5) {
            let faults = Step.Faults(
                throttle: rate(&random), transient: rate(&random), lostAnswer: rate(&random),
                seed: Int.random(in: 1...1_000_000, using: &random))
            if faults.throttle + faults.transient + faults.lostAnswer > 0 { step.faults = faults }
        }
        if random.chance(0.3) {
            step.outage = Step.Outage(
                call: Int.random(in: 1...(length / 4 + 1), using: &random),
                count: Int.random(in: 1...60, using: &random),
                takesEffect: Bool.random(using: &random))
        }
        if random.chance(0.25) {
            step.fullDisk = Step.FullDisk(
                boundary: Int.random(in: 1...length, using: &random), count: Int.random(in: 1...120, using: &random))
        }
        if random.chance(0.3) { step.clockJumps.append(jump(at: 0, &random)) }
        if random.chance(0.2) {
            step.clockJumps.append(jump(at: Int.random(in: 1...length, using: &random), &random))
        }
        let disturbed = step.faults != nil || step.outage != nil || step.fullDisk != nil || !step.clockJumps.isEmpty
        if !disturbed || random.chance(0.5) {
            if random.chance(0.7) {
                step.killAt = Int.random(in: 1...length, using: &random)
            } else {
                step.killAfterMilliseconds = Int.random(in: 10...250, using: &random)
            }
        }
        return step
    }

    /// One operator falls asleep. By the other's clock its lease is over: the lock is taken, and the sleeper wakes up in
    /// the middle of what it did.
    private static func overtaking(_ phase: Phase, length: Int, _ random: inout SplitMix64) -> [Step] {
        var sleeper = phase.undisturbed
        sleeper.parallelism = [1, 4, 32].randomElement(using: &random) ?? 1
        sleeper.nap = Step.Nap(
            boundary: Int.random(in: 1...length, using: &random), milliseconds: Int.random(in: 20...600, using: &random)
        )
        var other = phase.undisturbed
        other.clockJumps = [Step.ClockJump(boundary: 0, seconds: 3600)]
        return [sleeper, other]
    }

    private static func rate(_ random: inout SplitMix64) -> Double {
        random.chance(0.5) ? Double.random(in: 0.02...0.3, using: &random) : 0
    }

    private static func jump(at boundary: Int, _ random: inout SplitMix64) -> Step.ClockJump {
        Step.ClockJump(boundary: boundary, seconds: Int.random(in: -3600...3600, using: &random))
    }
}
