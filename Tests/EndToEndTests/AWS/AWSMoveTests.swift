import Foundation
import OsirisTransport
import Testing

/// A target of a cloud gets another name: its tags do, and nothing else.
@Suite(.serialized) struct AWSMoveTests {
    private func rename(_ cluster: AWSCluster) throws {
        try cluster.scratch.edit("cluster.yaml", "name: use1", "name: us-east")
        let text = try cluster.scratch.read("cluster.yaml")
        try cluster.scratch.write(text + "\n  moved: [{from: use1, to: us-east}]\n", to: "cluster.yaml")
    }

    private func ids(_ cluster: AWSCluster) async throws -> [String] {
        let account = cluster.account
        var found: [String] = []
        for (action, items, id) in [
            ("DescribeVpcs", "vpcSet", "vpcId"), ("DescribeInstances", "reservationSet", "instanceId"),
            ("DescribeSecurityGroups", "securityGroupInfo", "groupId"), ("DescribeKeyPairs", "keySet", "keyPairId"),
            ("DescribeAddresses", "addressesSet", "allocationId"),
        ] {
            found += try await account.list(action, items).compactMap { $0.text(id) }
        }
        return found.sorted()
    }

    @Test func theTagsSayTheNewNameAndNothingIsMadeAnew() async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
        try await cluster.apply()
        let before = try await ids(cluster)
        try rename(cluster)
        let answer = try await cluster.run("plan", "--json")
        let plan = try #require(try answer.json as? [String: Any])
        let summary = try #require(plan["summary"] as? [String: Int])
        #expect(summary["create"] == 0 && summary["delete"] == 0 && summary["replace"] == 0, "\(summary)")
        let changes = try #require(plan["changes"] as? [[String: Any]])
        #expect(changes.count == 13 && changes.allSatisfy { $0["movedFrom"] != nil })
        try await cluster.apply()
        #expect(try await ids(cluster) == before)
        let addresses = try await cluster.account.addresses()
        #expect(addresses.count == 13 && addresses.allSatisfy { $0.key.hasPrefix("us-east/") && $0.value == 1 })
        try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris"))
        let rebuilt = try await cluster.run("state", "rebuild", "--auto-approve")
        #expect(rebuilt.status == 0, "\(rebuilt)")
        try await cluster.expectNothingToDo()
    }

    @Test(arguments: ["lose", "drop"]) func aLostAnswerLosesNoName(fault: String) async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        let before = try await ids(cluster)
        try rename(cluster)
        try await cluster.account.front(#"{"next": [{"on": "CreateTags", "do": "\#(fault)"}]}"#)
        try await cluster.apply()
        #expect(try await ids(cluster) == before)
        #expect(try await cluster.account.addresses().keys.allSatisfy { $0.hasPrefix("us-east/") })
    }
}
