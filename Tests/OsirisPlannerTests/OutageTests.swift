import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

@Suite struct OutageTests {
    private func outage(_ changes: [(type: String, action: Action)], of changed: [String] = []) throws -> Int? {
        let parents = ["host": nil, "hub": "a/host.m", "function": "a/hub.m"]
        let recorded = Dictionary(
            uniqueKeysWithValues: parents.map { type, parent in
                let address = Fake.address("a/\(type).m")
                return (
                    address,
                    ResourceRecord(
                        address: address, provider: "fake", attributes: [:], parent: parent.map { Fake.address($0) })
                )
            })
        let changes = changes.map { type, action in
            ResourceChange(
                address: Fake.address("a/\(type).m"), provider: "fake", action: action, reason: .added, source: nil,
                attributes: changed.map {
                    AttributeChange(path: $0, before: nil, after: nil, forcesReplacement: false)
                })
        }
        let desired = DesiredGraph.empty
        let request = PlanRequest(
            cluster: Fake.cluster(), desired: desired, lineage: "l", serial: 1, recorded: recorded, actual: [:])
        let rollout = RolloutOrder(
            request, changes, changes.indices.map { PlannedOperation(change: $0, kind: .update) },
            Roots(recorded: recorded, desired: desired),
            outage: { change in
                switch change.address.type {
                case "hub": HubResource.restart
                case "function": FunctionResource.exchange
                case "host" where !changed.isEmpty: .init(update: .seconds(20), interruptedBy: ["type"])
                default: .init()
                }
            }
        ).rollout()
        return try #require(rollout).machines[0].outageMilliseconds
    }

    @Test func theLongestThatFunctionsDoNotAnswer() throws {
        #expect(try outage([("function", .update)]) == 0, "the old version answers until the new one is ready")
        #expect(try outage([("hub", .update), ("function", .create)]) == 50_000)
        #expect(try outage([("hub", .update), ("function", .replace)]) == 110_000)
        #expect(try outage([("hub", .update), ("host", .update)]) == nil, "nobody says how long that takes")
        #expect(try outage([("hub", .replace)]) == nil)
        #expect(try outage([("host", .update)], of: ["tags.team"]) == 0, "it goes on running")
        #expect(try outage([("host", .update)], of: ["tags.team", "type"]) == 20_000)
    }
}
