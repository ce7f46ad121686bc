import Foundation
import OsirisTransport
import ProviderAWS
import Testing

/// Nothing is doubled and nothing is left behind: by lost answers, throttling, kills at any instant.
@Suite(.serialized) struct AWSKillTests {
    private static let target = """
        network: {cidr: 10.20.0.0/16, subnets: 2}
        machines: {count: 30, type: t3.small, image: ami-12c6146b}
        access: {ssh: {from: [203.0.113.0/24], publicKey: ops.pub}, hub: {from: [0.0.0.0/0]}}
        """

    /// The answers to each action that makes something, one after the other.
    @Test(arguments: [
        "CreateVpc", "CreateSubnet", "CreateInternetGateway", "AttachInternetGateway", "CreateRouteTable",
        "CreateRoute", "AssociateRouteTable", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "ImportKeyPair",
        "RunInstances", "AllocateAddress", "AssociateAddress", "ModifySubnetAttribute",
    ]) func aLostAnswerDoublesNothing(action: String) async throws {
        for fault in ["lose", "drop"] {
            let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
            try await cluster.account.front(#"{"next": [{"on": "\#(action)", "do": "\#(fault)"}]}"#)
            try await cluster.apply()
            let addresses = try await cluster.account.addresses()
            #expect(addresses.count == 13 && addresses.values.allSatisfy { $0 == 1 }, "\(fault): \(addresses)")
        }
    }

    /// Kills the program after each of many numbers of calls, and lets the next one go on.
    @Test func killedAnywhereItComesToTheSameEnd() async throws {
        let rounds = Int(ProcessInfo.processInfo.environment["OSIRIS_KILLS"] ?? "12") ?? 12
        for round in 0..<rounds {
            let cluster = try await AWSCluster(Self.target)
            let account = cluster.account
            // From the first call to after the last: a whole apply makes about 60.
            let calls = 2 + round * 64 / rounds
            let running = try Program.Running(
                ["apply", "--auto-approve"],
                environment: account.environment.merging(["OSIRIS_CALL_LOG": log(cluster)]) { $1 },
                in: cluster.scratch.url)
            let file = log(cluster)
            _ = await eventually(within: 60) {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.utf8.count(where: { $0 == UInt8(ascii: "\n") }) >= calls || !running.process.isRunning
            } then: {
                kill(running.process.processIdentifier, SIGKILL)
            }
            _ = try await running.wait()
            let answer = try await cluster.run("apply", "--auto-approve")
            #expect(answer.status == 0, "killed after \(calls) calls: \(answer)")
            let addresses = try await account.addresses()
            #expect(
                addresses.count == 37 && addresses.values.allSatisfy { $0 == 1 },
                "killed after \(calls) calls: \(addresses.filter { $0.value != 1 })")
            try await cluster.expectNothingToDo()
        }
    }

    private func log(_ cluster: AWSCluster) -> String { cluster.scratch.url.appendingPathComponent("calls").path }

    @Test func pagesAreFollowedAndCallsAreFew() async throws {
        let cluster = try await AWSCluster(Self.target)
        try await cluster.apply()
        try await cluster.account.front(#"{"page": 7}"#)
        try await cluster.expectNothingToDo()
        try await cluster.account.front(#"{"page": null}"#)
        let before = try await cluster.account.calls()
        try await cluster.expectNothingToDo()
        let after = try await cluster.account.calls()
        let made = after.merging(before) { $0 - $1 }.filter { $0.value > 0 }
        #expect(made.values.reduce(0, +) <= 9, "\(made)")
        let gone = try await cluster.run("destroy", "--auto-approve")
        #expect(gone.status == 0, "\(gone)")
        #expect(try await cluster.account.addresses() == [:])
    }
}
