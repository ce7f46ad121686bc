import OsirisChaos
import Testing

struct ScenarioTests {
    private static let boundaries: [Phase: Int] = [
        .create: 480, .change: 300, .replace: 960, .rename: 700, .remove: 480,
    ]

    @Test func aSeedAlwaysNamesTheSameScenario() {
        for seed in 0..<500 as Range<UInt64> {
            let once = Scenario.mixed(seed: seed, boundaries: Self.boundaries)
            let again = Scenario(seed: String(seed), boundaries: Self.boundaries)
            #expect(again?.words == once.words)
            #expect(again?.rounds == once.rounds)
        }
        let kill = Scenario(seed: "replace-960", boundaries: Self.boundaries)
        #expect(kill?.seed == "replace-960" && kill?.phase == .replace)
        #expect(kill?.rounds.first?.first?.killAt == 960)
    }

    @Test(arguments: ["", "x", "-1", "create", "create-", "create-0", "create-481", "create-1-2", "make-1"])
    func whatIsNoSeedNamesNothing(text: String) {
        #expect(Scenario(seed: text, boundaries: Self.boundaries) == nil)
    }

    @Test func seedsCoverEverythingThatCanGoWrong() {
        let steps = (1...100).flatMap {
            Scenario.mixed(seed: $0, boundaries: Self.boundaries).rounds.joined()
        }
        #expect(steps.contains { $0.killAt != nil } && steps.contains { $0.killAfterMilliseconds != nil })
        #expect(steps.contains { $0.faults.map { $0.throttle > 0 } ?? false })
        #expect(steps.contains { $0.faults.map { $0.transient > 0 } ?? false })
        #expect(steps.contains { $0.faults.map { $0.lostAnswer > 0 } ?? false })
        #expect(steps.contains { $0.outage?.takesEffect == true } && steps.contains { $0.outage?.takesEffect == false })
        #expect(steps.contains { $0.fullDisk != nil })
        #expect(steps.contains { $0.clockJumps.contains { $0.boundary == 0 && $0.seconds > 30 } })
        #expect(steps.contains { $0.clockJumps.contains { $0.boundary > 0 && $0.seconds < -30 } })
        #expect(steps.contains { $0.nap != nil } && steps.contains { $0.variant == .earlier })
        let scenarios = (1...100).map { Scenario.mixed(seed: $0, boundaries: Self.boundaries) }
        #expect(
            scenarios.contains { $0.rounds.contains { $0.count == 2 } } && scenarios.contains { $0.rounds.count > 2 })
        #expect(Set(scenarios.map(\.phase)) == Set(Phase.allCases))
        // Nothing is called a scenario in which nothing goes wrong.
        #expect(steps.allSatisfy { !$0.words.hasSuffix("undisturbed") })
    }

    @Test func killPointsAreSpreadOverAllBoundaries() {
        let some = Scenario.killPoints(292, boundaries: Self.boundaries)
        #expect(some.count == 292 && Set(some.map(\.seed)).count == 292)
        for phase in Phase.allCases {
            let share = some.count { $0.phase == phase }
            #expect(abs(share - (Self.boundaries[phase] ?? 0) / 10) <= 1)
        }
        let all = Scenario.killPoints(100_000, boundaries: Self.boundaries)
        #expect(all.count == 2920)
        #expect(all.first?.seed == "create-1" && all.last?.seed == "remove-480")
    }
}
