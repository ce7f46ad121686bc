import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

/// Random manifests, one after the other, carried out on a world that watches.
@Suite struct RandomGraphTests {
    /// SplitMix64 (https://prng.di.unimi.it/splitmix64.c): small and the same everywhere.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// OSIRIS_SEED starts somewhere else; a failure names its seed.
    private static let firstSeed =
        ProcessInfo.processInfo.environment["OSIRIS_SEED"].flatMap(UInt64.init) ?? 1

    @Test func plansAreOrderedExplainedAndComplete() throws {
        print("random graphs: seeds \(Self.firstSeed)..<\(Self.firstSeed + 300)")
        var updates = 0
        for seed in Self.firstSeed..<(Self.firstSeed + 300) {
            var generator = Generator(state: seed)
            var world = World()
            for step in 0..<4 {
                let wanted = step == 3 && seed.isMultiple(of: 3) ? [] : Self.manifest(using: &generator)
                let actual = world.tamper(using: &generator)
                let place = "seed \(seed) step \(step)"
                let plan = try Self.plan(wanted, world, actual)
                updates += plan.count(.update)
                for change in plan.changes {
                    #expect(change.source != nil, "\(place): \(change.address)")
                    #expect(
                        !change.reason.text.isEmpty && !change.reason.text.hasPrefix(" "), "\(place): \(change.address)"
                    )
                    #expect(change.attributes.map(\.path) == change.attributes.map(\.path).sorted(), "\(place)")
                }
                let before = world.records.values.map {
                    "\($0.address) on \($0.parent?.text ?? "-") needs \($0.dependsOn.map(\.text))"
                }.sorted()
                world.apply(plan, actual: actual, using: &generator)
                #expect(
                    world.violations.isEmpty,
                    "\(place): \(world.violations)\n\(plan.operationLines)\n\(plan.changeLines)\n\(before)")
                let again = try Self.plan(wanted, world, [:])
                #expect(again.isEmpty && again.drift.isEmpty, "\(place): \(again.changeLines)")
                if !world.violations.isEmpty || !again.isEmpty { return }
            }
        }
        // The generator is worth something only if it reaches the cases.
        #expect(updates > 100)
    }

    private static func plan(
        _ wanted: [ResourceDeclaration], _ world: World, _ actual: [ResourceAddress: ReadResult]
    ) throws -> Plan {
        try Planner(Fake.registry).plan(
            PlanRequest(
                cluster: Fake.cluster(), desired: DesiredGraph(linking: wanted), lineage: "l", serial: 1,
                recorded: world.records, actual: actual))
    }

    /// Up to twelve of fourteen names in a random order; each needs only those before it.
    private static func manifest(using generator: inout Generator) -> [ResourceDeclaration] {
        let names = (0..<14).map { "\(["box", "app", "note"][$0 % 3]).r\($0)" }.shuffled(using: &generator)
        var declared: [String] = []
        var wanted: [ResourceDeclaration] = []
        for (line, name) in names.prefix(Int.random(in: 0...12, using: &generator)).enumerated() {
            let address = "a/\(name)"
            var attributes: Attributes = ["image": .string("i\(Int.random(in: 0..<4, using: &generator) / 3)")]
            if Bool.random(using: &generator) {
                attributes["label"] = .string("l\(Int.random(in: 0..<3, using: &generator))")
            }
            if let other = declared.randomElement(using: &generator), Bool.random(using: &generator) {
                let attribute = Bool.random(using: &generator) ? "id" : "url"
                attributes["peer"] = .reference(AttributeReference(Fake.address(other), attribute))
            }
            let needs = declared.filter { _ in Int.random(in: 0..<6, using: &generator) == 0 }
            // Mostly the same parent for a name, so that parents that change are the exception.
            let usual = declared.first { $0.hashValueOfName % 3 == name.hashValueOfName % 3 }
            let parent =
                name.hasPrefix("box")
                ? nil
                : Int.random(in: 0..<5, using: &generator) == 0 ? declared.randomElement(using: &generator) : usual
            wanted.append(Fake.wants(address, attributes, on: parent, needs: needs, line: 1 + 10 * line))
            declared.append(address)
        }
        return wanted.shuffled(using: &generator)
    }
}

extension String {
    /// A number from the digits of the name: the same in every run, unlike `hashValue`.
    fileprivate var hashValueOfName: Int { utf8.reduce(0) { $0 + Int($1) } }
}
