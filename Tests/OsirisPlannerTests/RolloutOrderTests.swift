import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

/// Which machines a plan's rollout has, in which order, with which bounds.
struct RolloutOrderTests {
    /// `count` machines of a target: a root, a hub on it, a function on that.
    private func fleet(_ target: String, _ count: Int) -> [ResourceRecord] {
        (1...count).flatMap { index in
            [
                record("\(target)/box.m\(index)"),
                record("\(target)/hub.m\(index)", on: "\(target)/box.m\(index)", ["status": "running"]),
                record("\(target)/app.m\(index)", on: "\(target)/hub.m\(index)"),
            ]
        }
    }

    private func record(_ address: String, on parent: String? = nil, _ attributes: Attributes = [:]) -> ResourceRecord {
        Fake.has(address, attributes, on: parent)
    }

    private func change(
        _ address: String, _ action: Action = .update, on parent: String? = nil
    ) -> ResourceChange {
        ResourceChange(
            address: Fake.address(address), provider: "fake", action: action, reason: .added, source: nil,
            parent: parent.map(Fake.address))
    }

    private func rollout(
        _ records: [ResourceRecord], _ changes: [ResourceChange], needs: [[Int]]? = nil,
        domains: [String: String] = [:], actual: [String: ReadResult] = [:], setAside: [String] = [],
        spec: RolloutSpec = RolloutSpec()
    ) throws -> PlannedRollout? {
        var cluster = Fake.cluster()
        cluster.rollout = spec
        let recorded = Dictionary(uniqueKeysWithValues: records.map { ($0.address, $0) })
        let desired = try DesiredGraph(
            linking: [],
            domains: Dictionary(uniqueKeysWithValues: domains.map { (Fake.address($0.key), $0.value) }))
        let request = PlanRequest(
            cluster: cluster, desired: desired, lineage: "l", serial: 1, recorded: recorded,
            actual: Dictionary(uniqueKeysWithValues: actual.map { (Fake.address($0.key), $0.value) }),
            setAside: setAside.map { PreflightFault(root: Fake.address($0), code: .machineOffline, message: "off") })
        let operations = changes.indices.map {
            PlannedOperation(
                change: $0, kind: changes[$0].action == .create ? .create : .update, needs: needs?[$0] ?? [])
        }
        return RolloutOrder(
            request, changes, operations, Roots(recorded: recorded, desired: desired)
        ).rollout()
    }

    @Test func onlyMachinesThatServeAndAreChangedTakeTurns() throws {
        let found = try rollout(
            fleet("a", 8),
            [
                change("a/app.m2"), change("a/hub.m2"), change("a/app.m5"), change("a/app.m6", .create),
                change("a/box.m7", .delete), change("a/box.new", .create),
            ])
        let plan = try #require(found)
        #expect(plan.machines.map(\.root.text) == ["a/box.m2", "a/box.m5"])
        #expect(plan.machines.map(\.operations) == [[0, 1], [2]])
        #expect(plan.targets == [.init(name: "a", machines: 8, limit: 2)])
        #expect(try rollout(fleet("a", 3), [change("a/app.m1", .create)]) == nil)
        #expect(try rollout([record("a/box.m1")], [change("a/box.m1")]) == nil, "no hub, nothing is served")
    }

    @Test func domainsStayTogetherAndBrokenMachinesComeLast() throws {
        let domains = ["a/hub.m1": "x", "a/hub.m2": "y", "a/hub.m3": "x", "a/hub.m4": "y", "b/hub.m1": "y"]
        let plan = try #require(
            try rollout(
                fleet("a", 5) + fleet("b", 1),
                ["a/app.m1", "a/app.m2", "a/app.m3", "a/app.m4", "a/app.m5", "b/app.m1"].map { change($0) },
                domains: domains, actual: ["a/hub.m1": .present(["status": "stopped"])], setAside: ["a/box.m4"]))
        #expect(
            plan.machines.map { "\($0.root) \($0.domain)" } == [
                "a/box.m2 y", "b/box.m1 y", "a/box.m4 y", "a/box.m3 x", "a/box.m1 x", "a/box.m5 a",
            ])
        #expect(plan.machines.filter(\.isBroken).map(\.root.text) == ["a/box.m4", "a/box.m1"])
        #expect(plan.targets.map(\.broken) == [2, 0])
    }

    /// m1 needs m2, m2 needs m3 through an operation of no machine, and m4 and m5 need each other.
    @Test func aMachineComesAfterThoseItNeeds() throws {
        let changes = ["a/app.m1", "a/app.m2", "a/app.m3", "a/box.new", "a/app.m4", "a/app.m5", "a/hub.m4"].map {
            change($0, $0 == "a/box.new" ? .create : .update)
        }
        let plan = try #require(
            try rollout(fleet("a", 5), changes, needs: [[1], [3], [], [2], [5], [6], []]))
        #expect(plan.machines.map(\.root.text) == ["a/box.m3", "a/box.m2", "a/box.m1", "a/box.m4", "a/box.m5"])
        #expect(plan.machines.map(\.needs) == [[], [0], [1], [], []])
        #expect(plan.machines.map(\.goesWithPrevious) == [false, false, false, false, true])
    }

    @Test func sharesAreRoundedDownAndNeverNothing() {
        #expect(RolloutSpec.Unavailable.percent(25).limit(of: 20) == 5)
        #expect(RolloutSpec.Unavailable.percent(25).limit(of: 7) == 1)
        #expect(RolloutSpec.Unavailable.percent(0).limit(of: 100) == 1)
        #expect(RolloutSpec.Unavailable.count(0).limit(of: 5) == 1)
        #expect(RolloutSpec.Unavailable.count(3).limit(of: 5) == 3)
    }
}
