import OsirisModel

/// Many scenarios, some at a time.
public struct Campaign: Sendable {
    private let rehearsal: Rehearsal
    private let baselines: [Phase: Baseline]

    public init(_ rehearsal: Rehearsal, _ baselines: [Phase: Baseline]) {
        (self.rehearsal, self.baselines) = (rehearsal, baselines)
    }

    /// How many boundaries the undisturbed run of each phase has.
    public var boundaries: [Phase: Int] { baselines.mapValues(\.boundaries) }

    /// Plays all scenarios, `jobs` at a time.
    /// - Parameter tell: called with each result, in the order they come.
    public func play(_ scenarios: [Scenario], jobs: Int, tell: (ScenarioResult) -> Void) async {
        await withTaskGroup(of: ScenarioResult.self) { group in
            var waiting = scenarios.makeIterator()
            func next() {
                guard let scenario = waiting.next(), let baseline = baselines[scenario.phase] else { return }
                group.addTask { await rehearsal.play(scenario, baseline) }
            }
            for _ in 0..<max(1, jobs) { next() }
            while let result = await group.next() {
                tell(result)
                next()
            }
        }
    }
}

/// What a campaign adds up to.
public struct ChaosReport: Sendable {
    public private(set) var killPoints = 0
    public private(set) var seeds = 0
    public private(set) var runs = 0
    public private(set) var counts: [Violation.Kind: Int] = [:]
    /// Scenarios in which a promise was broken.
    public private(set) var failures: [ScenarioResult] = []

    public init() {}

    public mutating func add(_ result: ScenarioResult) {
        if UInt64(result.scenario.seed) == nil { killPoints += 1 } else { seeds += 1 }
        runs += result.runs
        for violation in result.violations { counts[violation.kind, default: 0] += 1 }
        if !result.violations.isEmpty { failures.append(result) }
    }

    public var orphans: Int { counts[.orphan, default: 0] + counts[.missing, default: 0] }
    public var duplicates: Int { counts[.duplicate, default: 0] + counts[.remade, default: 0] }
    /// Scenarios after which somebody would have to do something by hand.
    public var manualSteps: Int {
        failures.count { $0.violations.contains { $0.kind == .notDone || $0.kind == .planNotEmpty } }
    }

    /// `kill points 412, seeds 100, runs 1,043, orphans 0, duplicates 0, manual steps 0`.
    public var summary: String {
        var parts = [
            "kill points \(Self.grouped(killPoints))", "seeds \(Self.grouped(seeds))", "runs \(Self.grouped(runs))",
            "orphans \(orphans)", "duplicates \(duplicates)", "manual steps \(manualSteps)",
        ]
        let others: [(Violation.Kind, String)] = [
            (.openIntent, "open intents"), (.difference, "differences"), (.crash, "crashes"),
            (.undone, "put back for nothing"),
        ]
        for (kind, name) in others { if let count = counts[kind] { parts.append("\(name) \(count)") } }
        return parts.joined(separator: ", ")
    }

    /// For programs; see docs/chaos.md.
    /// - Parameter command: the command that repeats the scenario of a seed.
    public func json(command: (String) -> String) -> Value {
        [
            "killPoints": .int(killPoints), "seeds": .int(seeds), "runs": .int(runs), "orphans": .int(orphans),
            "duplicates": .int(duplicates), "manualSteps": .int(manualSteps),
            "openIntents": .int(counts[.openIntent, default: 0]), "differences": .int(counts[.difference, default: 0]),
            "crashes": .int(counts[.crash, default: 0]),
            "failures": .list(
                failures.map { failure in
                    [
                        "seed": .string(failure.scenario.seed), "scenario": .string(failure.scenario.words),
                        "folder": failure.folder.map(Value.string) ?? .null,
                        "command": .string(command(failure.scenario.seed)),
                        "violations": .list(
                            failure.violations.map {
                                [
                                    "kind": .string($0.kind.rawValue), "address": .string($0.address),
                                    "message": .string($0.message),
                                ]
                            }),
                    ]
                }),
        ]
    }

    /// One failed scenario for people.
    public static func text(_ failure: ScenarioResult, command: String) -> String {
        var lines = ["FAILED seed \(failure.scenario.seed)", "  scenario: \(failure.scenario.words)"]
        for violation in failure.violations.prefix(10) {
            let place = violation.address.isEmpty ? "" : "`\(violation.address)`: "
            lines.append("  \(violation.kind.rawValue): \(place)\(violation.message)")
        }
        if failure.violations.count > 10 { lines.append("  … and \(failure.violations.count - 10) more") }
        if let folder = failure.folder { lines.append("  kept in: \(folder)") }
        lines.append("  repeat:  \(command)")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func grouped(_ number: Int) -> String {
        var text = String(number)
        var position = text.count - 3
        while position > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: position))
            position -= 3
        }
        return text
    }
}
