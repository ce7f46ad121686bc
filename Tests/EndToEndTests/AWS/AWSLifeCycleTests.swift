import Foundation
import OsirisTransport
import ProviderAWS
import Testing

/// A whole `aws` target through its life, by the built program against moto.
struct AWSLifeCycleTests {
    @Test func aTargetIsMadeOnceKeptAndRemoved() async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
        try await cluster.apply()
        let expected = [
            "vpc.main", "subnet.1", "subnet.2", "internetGateway.main", "routeTable.main", "securityGroup.main",
            "keyPair.main", "instance.m1", "instance.m2", "instance.m3", "elasticAddress.m1", "elasticAddress.m2",
            "elasticAddress.m3",
        ]
        let made = Dictionary(uniqueKeysWithValues: expected.map { ("use1/\($0)", 1) })
        #expect(try await cluster.account.addresses() == made)

        let instances = try await cluster.account.list("DescribeInstances", "reservationSet")
        #expect(Set(instances.compactMap { $0.text("placement/availabilityZone") }) == ["us-east-1a", "us-east-1b"])
        for instance in instances {
            #expect(instance.text("metadataOptions/httpTokens") == "required")
            #expect(instance.text("ipAddress") != nil)
            #expect(instance.items("tagSet").contains { $0.text("key") == "team" && $0.text("value") == "edge" })
        }
        let gone = try await cluster.run("destroy", "--auto-approve")
        #expect(gone.status == 0, "\(gone)")
        #expect(try await cluster.account.addresses() == [:])
    }

    /// The manifest of the docs for a first try with an emulator.
    @Test func theManifestForAnEmulatorIsApplied() async throws {
        let cluster = try await AWSCluster()
        let page = try String(
            contentsOf: AWSCloud.policy.deletingLastPathComponent().appendingPathComponent("aws.md"), encoding: .utf8)
        let block = try #require(page.firstMatch(of: /(?s)## An emulator.*?```yaml\n(.*?)```/))
        try cluster.scratch.write(String(block.1), to: "cluster.yaml")
        try await cluster.apply()
        #expect(try await cluster.account.addresses()["use1/instance.m2"] == 1)
    }

    @Test func whatIsGoneIsMadeAgain() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        let instance = try #require(try await cluster.account.list("DescribeInstances", "reservationSet").first)
        _ = try await cluster.account.client.call(
            "TerminateInstances", ["InstanceId.1": instance.text("instanceId") ?? ""], at: cluster.account.place)
        let plan = try await cluster.plan()
        #expect(plan.count == 1 && plan.values.first == "create", "\(plan)")
        try await cluster.apply()
    }

    /// The state is lost; what exists is found by its marks.
    @Test func aLostStateIsMadeAgain() async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
        try await cluster.apply()
        try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris"))
        let blind = try await cluster.run("apply", "--auto-approve")
        #expect(blind.status == 1 && blind.out.contains("osiris state rebuild"), "\(blind)")
        try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris"))
        let rebuilt = try await cluster.run("state", "rebuild", "--auto-approve")
        #expect(rebuilt.status == 0, "\(rebuilt)")
        try await cluster.expectNothingToDo()
    }

    /// What belongs to somebody is not taken.
    @Test func whatHasOtherMarksIsNotImported() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        let instances = try await cluster.account.list("DescribeInstances", "reservationSet")
        let second = try #require(instances.first { AWSCloud.Account.address($0) == "use1/instance.m2" })
        let id = try #require(second.text("instanceId"))
        try cluster.scratch.edit("cluster.yaml", "count: 3", "count: 4")
        let marked = try await cluster.run("import", "use1/instance.m4", id, "--auto-approve")
        #expect(marked.status == 1, "\(marked)")
        #expect(marked.err.contains("has the marks of `use1/instance.m2` of the cluster `edge`"), "\(marked)")
        _ = try await cluster.account.client.call(
            "DeleteTags", ["ResourceId.1": id, "Tag.1.Key": "osiris:cluster"], at: cluster.account.place)
        let twin = try await cluster.run("import", "use1/instance.m4", id, "--auto-approve")
        #expect(twin.status == 1, "\(twin)")
        #expect(twin.err.contains("the state has `\(id)` already, as `use1/instance.m2`"), "\(twin)")
        // Another cluster in the same account.
        let network = try #require(try await cluster.account.list("DescribeVpcs", "vpcSet").first?.text("vpcId"))
        try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris"))
        try cluster.scratch.edit("cluster.yaml", "{name: edge}", "{name: other}")
        let foreign = try await cluster.run("import", "use1/vpc.main", network, "--auto-approve")
        #expect(foreign.status == 1, "\(foreign)")
        #expect(foreign.err.contains("has the marks of `use1/vpc.main` of the cluster `edge`"), "\(foreign)")
    }

    /// Before anything is changed, too: the first one is answered at once, the second one waits for nothing.
    @Test func aSecondInterruptEndsTheLook() async throws {
        let cluster = try await AWSCluster()
        try await cluster.account.front(#"{"delay": 120}"#)
        let apply = try Program.Running(
            ["apply", "--auto-approve"], environment: cluster.account.environment, in: cluster.scratch.url)
        #expect(await eventually { apply.errors().contains("still looking at what will be changed") })
        apply.process.interrupt()
        #expect(await eventually { apply.errors().contains("Ctrl-C again ends it now.") })
        // A second one within half a second counts as the first.
        try await Task.sleep(for: .milliseconds(700))
        apply.process.interrupt()
        #expect(await eventually { !apply.process.isRunning })
        let ended = try await apply.wait()
        #expect(ended.status == 130 && ended.err.contains("Interrupted before anything was changed."), "\(ended)")
    }

    @Test func aTargetThatLeftTheManifestIsRemoved() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        let manifest = try cluster.scratch.read("cluster.yaml")
        let end = try #require(manifest.range(of: "    - name: use1"))
        try cluster.scratch.write(
            manifest[..<end.lowerBound]
                + "    - {name: sim, provider: simulated, machines: {count: 1}, simulate: {store: s.jsonl}}\n",
            to: "cluster.yaml")
        let answer = try await cluster.run("apply", "--auto-approve")
        #expect(answer.status == 0, "\(answer)")
        #expect(try await cluster.account.addresses() == [:])
    }
}
