import OsirisChaos
import Testing

struct ScenarioTests {
    private static let boundaries: [Phase: Int] = [.create: 480, .change: 300, .replace: 960, .remove: 480]

    @Test func aSeedAlwaysNamesTheSameScenario() {
        for seed in 0..<500 as Range<UInt64> {
            let once = Scenario.mixed(seed: seed, boundaries: Self.boundaries)
            let again = Scenario(seed: String(seed), boundaries: Self.boundaries)
            #expect(again?.words == once.words)
            #expect(again?.rounds == once.rounds)
        }
    }
}
