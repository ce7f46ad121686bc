import Foundation
import OsirisModel
import Testing

/// The minimal IAM policy of the docs. All runs of the program in this folder happen under it, so an action that it lacks
/// and one of them calls fails that test.
struct AWSPolicyTests {
    /// The statements, each with its list of actions.
    private static func statements() throws -> [[String: Value]] {
        let policy = try Value(plainJSON: Array(Data(contentsOf: AWSCloud.policy))).mapValue
        return try #require(policy?["Statement"]?.listValue).compactMap(\.mapValue)
    }

    private static func actions(_ statement: [String: Value]) -> [String] {
        (statement["Action"]?.listValue ?? []).compactMap(\.stringValue)
    }

    /// Nothing that no line of the provider calls.
    @Test func itAllowsWhatTheProviderCallsAndNoMore() throws {
        let folder = AWSCloud.policy.deletingLastPathComponent().appendingPathComponent("../../providers/aws")
        let files = try #require(
            FileManager.default.enumerator(at: folder.standardizedFileURL, includingPropertiesForKeys: nil)
        ).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" && !$0.path.contains("/Client/") }
        let verbs: Set = [
            "Allocate", "Associate", "Attach", "Authorize", "Create", "Delete", "Describe", "Detach", "Disassociate",
            "Get", "Import", "Modify", "Release", "Replace", "Revoke", "Run", "Start", "Stop", "Terminate",
            "Update",
        ]
        var called: Set<String> = []
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /"([A-Z][a-z]+)([A-Z][A-Za-z]+)"/) where verbs.contains(String(match.1)) {
                let action = String(match.1 + match.2)
                let service = ["GetCallerIdentity": "sts", "GetServiceQuota": "servicequotas"][action] ?? "ec2"
                called.insert("\(service):\(action)")
            }
            if text.contains("client.parameter(") { called.insert("ssm:GetParameter") }
        }
        let allowed = try Self.statements().flatMap(Self.actions)
        #expect(called.count > 40 && Set(allowed) == called, "\(Set(allowed).symmetricDifference(called))")
        #expect(allowed.count == Set(allowed).count)
    }

    /// The peer really holds the program to its policy.
    @Test(arguments: ["ec2:CreateVpc", "ec2:RunInstances", "ec2:DescribeSubnets"])
    func withoutAnActionNothingIsMade(action: String) async throws {
        let cluster = try await AWSCluster()
        let statements = try Self.statements().map { statement in
            let left = Self.actions(statement).filter { $0 != action }
            return Value.map(statement.merging(["Action": .list(left.map { .string($0) })]) { $1 })
        }
        let file = cluster.scratch.url.appendingPathComponent("policy.json")
        try Data(Value.map(["Statement": .list(statements)]).plainJSON()).write(to: file)
        try await cluster.account.front("{\"policy\": \"\(file.path)\"}")
        let answer = try await cluster.run("apply", "--auto-approve")
        #expect(answer.status == 1 && (answer.out + answer.err).contains(String(action.dropFirst(4))), "\(answer)")
        #expect(try await cluster.account.addresses()["use1/instance.m1"] == nil)
    }
}
