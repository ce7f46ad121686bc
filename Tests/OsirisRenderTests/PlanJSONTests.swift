import Foundation
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisRender

@Suite struct PlanJSONTests {
    @Test(arguments: ["empty", "replace-chain", "conflict", "gone", "secrets", "unknown", "hostile"])
    func goldens(_ name: String) {
        Golden.expect(PlanJSON.render(SamplePlans.all.first { $0.name == name }!.plan), "\(name).json")
    }

    @Test func everyKeyOfTheContract() throws {
        let text = PlanJSON.render(SamplePlans.conflict)
        let document = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(document.keys) == [
                "formatVersion", "cluster", "lineage", "serial", "manifestDigest", "summary", "changes", "drift",
                "setAside",
            ])
        #expect(document["formatVersion"] as? Int == 1)
        #expect(
            document["summary"] as? [String: Int] == ["create": 0, "update": 1, "replace": 0, "delete": 0, "noop": 1])
        let change = try #require((document["changes"] as? [[String: Any]])?.first)
        #expect(
            Set(change.keys) == [
                "address", "provider", "type", "target", "action", "reason", "source", "attributes",
            ])
        let source = try #require(change["source"] as? [String: Any])
        #expect(source["file"] as? String == "cluster.yaml" && source["line"] as? Int == 24)
        #expect(source["column"] as? Int == 5)
        let attributes = try #require(change["attributes"] as? [[String: Any]])
        #expect(attributes.map { $0["path"] as? String } == ["env.GREETING", "env.MODE", "limits.timeout", "version"])
        #expect(attributes[1]["before"] == nil)
        #expect(attributes[3]["after"] as? [String: Bool] == ["$unknown": true])
        let drift = try #require((document["drift"] as? [[String: Any]])?.first)
        #expect(Set(drift.keys) == ["address", "attributes", "consequence", "gone"])
    }

    @Test func aMapCannotPoseAsUnknown() throws {
        let plan = Sample.plan([
            Sample.change("a/b.c", .create, .added, line: 1, [Sample.set("x", ["$unknown": true])])
        ])
        #expect(PlanJSON.render(plan).contains(#""$map""#))
    }
}
