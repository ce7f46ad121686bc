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
        // Both wait until what was lost would be listed.
        async let lost: Void = once(action, "lose")
        try await once(action, "drop")
        try await lost
    }

    private func once(_ action: String, _ fault: String) async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
        try await cluster.account.front(#"{"next": [{"on": "\#(action)", "do": "\#(fault)"}]}"#)
        try await cluster.apply()
        let addresses = try await cluster.account.addresses()
        #expect(addresses.count == 13 && addresses.values.allSatisfy { $0 == 1 }, "\(fault): \(addresses)")
    }

    /// Kills the program after each of many numbers of calls, three times in a life, and lets the last run go on to the end.
    @Test func killedAnywhereItComesToTheSameEnd() async throws {
        let points = Int(ProcessInfo.processInfo.environment["OSIRIS_KILLS"] ?? "51") ?? 51
        // Most of a life is waiting, so several go on at once.
        let lives = (points + 2) / 3
        let kills = try await withThrowingTaskGroup(of: Int.self) { group in
            var kills = 0
            for life in 0..<lives {
                if life >= 6 { kills += try await group.next() ?? 0 }
                group.addTask {
                    // A whole apply makes about 35 calls, one that goes on fewer.
                    try await live(killedAfter: (0..<3).map { 1 + (life + $0 * lives) % points * 30 / points })
                }
            }
            return try await group.reduce(kills, +)
        }
        print("\(kills) runs were killed")
        #expect(kills > points / 2)
    }

    /// - Returns: how many of the runs were killed before their end.
    private func live(killedAfter numbers: [Int]) async throws -> Int {
        let cluster = try await AWSCluster(Self.target)
        var kills = 0
        for (run, calls) in numbers.enumerated() {
            let file = cluster.scratch.url.appendingPathComponent("calls\(run)").path
            let running = try Program.Running(
                ["apply", "--auto-approve"],
                environment: cluster.account.environment.merging(["OSIRIS_CALL_LOG": file]) { $1 },
                in: cluster.scratch.url)
            _ = await eventually(within: 90) {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.utf8.count(where: { $0 == UInt8(ascii: "\n") }) >= calls || !running.process.isRunning
            } then: {
                kill(running.process.processIdentifier, SIGKILL)
            }
            if try await running.wait().status == SIGKILL { kills += 1 }
        }
        let answer = try await cluster.run("apply", "--auto-approve")
        #expect(answer.status == 0, "killed after \(numbers) calls: \(answer)")
        let addresses = try await cluster.account.addresses()
        #expect(
            addresses.count == 37 && addresses.values.allSatisfy { $0 == 1 },
            "killed after \(numbers) calls: \(addresses.filter { $0.value != 1 })")
        try await cluster.expectNothingToDo()
        return kills
    }

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
