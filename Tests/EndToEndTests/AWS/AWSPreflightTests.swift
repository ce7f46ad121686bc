import Foundation
import OsirisTransport
import ProviderAWS
import Testing

/// What is in the way of a target is told at once, before anything is made.
struct AWSPreflightTests {
    private func refused(_ cluster: AWSCluster, _ settings: String = "{}") async throws -> String {
        try await cluster.account.front(settings)
        let before = try await cluster.account.calls()
        let answer = try await cluster.run("apply", "--auto-approve")
        #expect(answer.status == 1, "\(answer)")
        #expect(try await cluster.account.addresses() == [:], "\(answer)")
        let calls = try await cluster.account.calls().filter { $0.value > before[$0.key, default: 0] }
        let made = calls.keys.filter { $0.contains(/:(Create|Import|Allocate|Associate)/) }
        // CreateVpc and AllocateAddress are asked for as dry runs.
        #expect(Set(made).isSubset(of: ["ec2:CreateVpc", "ec2:AllocateAddress"]), "\(made)")
        // However the lines are broken.
        return (answer.out + answer.err).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    @Test func allThatIsInTheWayIsToldTogether() async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {zones: [us-east-1a]}")
        let plan = try await cluster.run("plan", "--format", "json")
        let name = try #require(plan.out.firstMatch(of: /osiris-edge-use1-[0-9a-f]{8}/))
        _ = try await cluster.account.client.call(
            "ImportKeyPair",
            [
                "KeyName": String(name.0),
                "PublicKeyMaterial": Data(try cluster.scratch.read("ops.pub").utf8).base64EncodedString(),
            ], at: cluster.account.place)
        try cluster.scratch.edit("cluster.yaml", "ami-12c6146b", "ami-00000000")
        try cluster.scratch.edit("cluster.yaml", "us-east-1a", "us-east-1x")
        // Without the right to make a network.
        var policy = try String(contentsOf: AWSCloud.policy, encoding: .utf8)
        policy = policy.replacing("\"ec2:CreateVpc\",", with: "")
        try cluster.scratch.write(policy, to: "policy.json")
        let text = try await refused(
            cluster,
            """
            {"policy": "\(cluster.scratch.url.appendingPathComponent("policy.json").path)",
             "quotas": {"L-1216C47A": 4}}
            """)
        for part in [
            "the credentials do not allow CreateVpc", "The image id '[ami-00000000]' does not exist",
            "us-east-1x does not offer t3.small", "has a key pair `\(name.0)` already",
            "the account may have 4 vCPUs of standard machines in us-east-1, and would need 6",
        ] {
            #expect(text.contains(part), "\(part) is not in: \(text)")
        }
        // Each with its place.
        #expect(text.contains("image: ami-00000000") && text.contains("type: t3.small"), "\(text)")
    }

    /// moto makes a network where it is only asked whether it may.
    @Test func aDryRunLeavesNothing() async throws {
        let cluster = try await AWSCluster()
        let before = try await cluster.account.client.list("DescribeVpcs", items: "vpcSet", at: cluster.account.place)
        let plan = try await cluster.run("plan")
        #expect(plan.status == 0, "\(plan)")
        #expect(try await cluster.account.calls()["ec2:CreateVpc"] == 1)
        let after = try await cluster.account.client.list("DescribeVpcs", items: "vpcSet", at: cluster.account.place)
        #expect(after.count == before.count)
    }

    @Test func quotasAreHeldAgainstWhatIsThere() async throws {
        let cluster = try await AWSCluster(
            AWSCluster.plain.replacing("count: 3", with: "count: 6") + "\naws: {elasticAddresses: true}")
        // The account has a network of its own.
        let text = try await refused(cluster, #"{"quotas": {"L-F678F1CE": 1, "L-1216C47A": 12}}"#)
        #expect(text.contains("the account may have 1 networks in us-east-1, and would need 2"), "\(text)")
        #expect(text.contains("the account may have 5 elastic addresses in us-east-1, and would need 6"), "\(text)")
        #expect(!text.contains("vCPUs") && text.contains("OSR0805"), "\(text)")
    }

    /// Who may not ask has no quota; everything else goes on.
    @Test func quotasThatCannotBeReadSayNothing() async throws {
        let cluster = try await AWSCluster()
        var policy = try String(contentsOf: AWSCloud.policy, encoding: .utf8)
        policy = policy.replacing("\"servicequotas:GetServiceQuota\",", with: "")
        try cluster.scratch.write(policy, to: "policy.json")
        let file = cluster.scratch.url.appendingPathComponent("policy.json").path
        try await cluster.account.front(#"{"policy": "\#(file)", "quotas": {"L-F678F1CE": 1, "L-1216C47A": 1}}"#)
        try await cluster.apply()
    }
}
