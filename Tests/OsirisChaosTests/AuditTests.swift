import Foundation
import OsirisChaos
import OsirisModel
import OsirisState
import Testing

/// The audit must be able to fail: each fault is planted and found, and nothing else is.
struct AuditTests {
    private static let machine = ResourceAddress("fleet/machine.m0001")!
    private static let hub = ResourceAddress("fleet/hub.m0001")!
    private static let lines = [
        #"{"op":"create","id":"machine-1","type":"machine","address":"fleet/machine.m0001","token":"a","attributes":{"store":"sim/fleet.jsonl"}}"#,
        #"{"op":"create","id":"hub-1","type":"hub","address":"fleet/hub.m0001","token":"b","attributes":{"port":8080}}"#,
    ]

    private static func snapshot() -> StateSnapshot {
        let records = [
            ResourceRecord(
                address: machine, provider: "simulated", attributes: ["store": "sim/fleet.jsonl", "id": "machine-1"]),
            ResourceRecord(address: hub, provider: "simulated", attributes: ["port": 8080], parent: machine),
        ]
        return StateSnapshot(
            lineage: "l", resources: Dictionary(uniqueKeysWithValues: records.map { ($0.address, $0) }))
    }

    private static func log(_ lines: [String]) -> StoreLog { StoreLog((lines.joined(separator: "\n") + "\n").utf8) }

    private func found(
        _ stores: [[String]], recorded snapshot: StateSnapshot = snapshot(), mayRemake: Bool = false
    ) -> [String] {
        Audit.violations(
            snapshot, stores.map(Self.log), expected: Inventory(Self.snapshot(), [Self.log(Self.lines)]),
            mayRemake: mayRemake
        ).map { "\($0.kind.rawValue) \($0.address)" }
    }

    private func create(_ id: String, _ type: String, _ attributes: String = "{}") -> String {
        #"{"op":"create","id":"\#(id)","type":"\#(type)","address":"fleet/\#(type).m0001","token":"c","attributes":\#(attributes)}"#
    }

    private func delete(_ id: String) -> String { #"{"op":"delete","id":"\#(id)","token":"d","attributes":{}}"# }

    @Test func nothingIsFoundWhereNothingIsWrong() {
        #expect(found([Self.lines]) == [])
        // A full disk may have left half a line, and a lost answer changes nothing.
        #expect(found([Self.lines + [#"{"op":"create","id":"hub-2","ty"#]]) == [])
        #expect(found([[Self.lines[0]], [Self.lines[1]]]) == [])
    }

    @Test func aPutBackNeedsAFailureAndMayBeMadeAgain() {
        let back = #"{"op":"update","id":"hub-1","token":"put-back-1","attributes":{}}"#
        let undone = Audit.violations(
            Self.snapshot(), [Self.log(Self.lines + [back])],
            expected: Inventory(Self.snapshot(), [Self.log(Self.lines)]))
        #expect(undone.map(\.kind) == [.undone])
        let gone = #"{"op":"delete","id":"hub-1","token":"put-back-1","attributes":{}}"#
        let again = Audit.violations(
            Self.snapshot(), [Self.log(Self.lines + [gone, create("hub-2", "hub", #"{"port":8080}"#)])],
            expected: Inventory(Self.snapshot(), [Self.log(Self.lines)]), failed: ["fleet/function.m0001.demo.f"])
        #expect(again.isEmpty)
        let other = Audit.violations(
            Self.snapshot(), [Self.log(Self.lines + [back])],
            expected: Inventory(Self.snapshot(), [Self.log(Self.lines)]),
            failed: ["fleet/hub.m0002"])
        #expect(other.map(\.kind) == [.undone])
    }

    @Test func aDuplicateIsFound() {
        let doubled = found([Self.lines + [create("hub-2", "hub", #"{"port":8080}"#)]])
        #expect(doubled.filter { $0 == "duplicate fleet/hub.m0001" }.count == 2, "two alive, and two creates")
        // Also where one of them is gone at the end, and where they are in two stores.
        #expect(
            found([Self.lines + [create("hub-2", "hub"), delete("hub-2")]], mayRemake: true)
                == ["duplicate fleet/hub.m0001"])
        #expect(
            found([Self.lines, [create("hub-2", "hub", #"{"port":8080}"#)]], mayRemake: true)
                == ["duplicate fleet/hub.m0001"])
    }

    @Test func anOrphanIsFound() {
        let orphan = found([Self.lines + [create("engine-1", "engine")]])
        #expect(orphan.contains("orphan fleet/engine.m0001"))
        #expect(orphan.contains("difference fleet/engine.m0001"))
    }

    @Test func aMissingObjectIsFound() {
        let missing = found([Self.lines + [delete("hub-1")]])
        #expect(missing == ["difference fleet/hub.m0001", "missing fleet/hub.m0001"])
    }

    @Test func anObjectMadeAgainIsFound() {
        let lines = Self.lines + [delete("hub-1"), create("hub-2", "hub", #"{"port":8080}"#)]
        #expect(found([lines]) == ["made again fleet/hub.m0001"])
        #expect(found([lines], mayRemake: true) == [])
    }

    @Test func aWrongAttributeIsFound() {
        let update = #"{"op":"update","id":"hub-1","token":"e","attributes":{"port":8081}}"#
        #expect(found([Self.lines + [update]]) == ["difference fleet/hub.m0001"])
        var snapshot = Self.snapshot()
        snapshot.resources[Self.hub]?.attributes["port"] = 8081
        #expect(found([Self.lines], recorded: snapshot) == ["difference fleet/hub.m0001"])
    }

    @Test func anOpenIntentIsFound() {
        var snapshot = Self.snapshot()
        snapshot.intents = [
            Intent(
                token: "t", address: Self.hub, provider: "simulated", type: "hub", action: .create, planned: [:],
                startedAt: Date(timeIntervalSince1970: 0))
        ]
        #expect(found([Self.lines], recorded: snapshot) == ["open intent fleet/hub.m0001"])
    }

    @Test func idsAndSecretsDifferByNature() {
        var snapshot = Self.snapshot()
        snapshot.resources[Self.machine]?.attributes["id"] = "machine-2"
        snapshot.resources[Self.hub]?.attributes["token"] = .secret(Secret(digest: "one", plaintext: nil))
        var expected = Self.snapshot()
        expected.resources[Self.hub]?.attributes["token"] = .secret(Secret(digest: "other", plaintext: nil))
        let stores = [Self.log(Self.lines)]
        #expect(Audit.violations(snapshot, stores, expected: Inventory(expected, stores)).isEmpty)
    }
}
