import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderAWS

/// Machines that are made by one call, by the handler against moto.
struct AWSLaunchTests {
    /// A run of the provider, and what it makes machines in.
    private struct Run {
        let account: MotoAccount
        let provider: AWSProvider
        let subnet: String
        let group: String
        let cluster: Cluster
        /// So that another run makes other operations.
        let number: String
        var handler: any ResourceHandler { provider.handler("instance") }

        init(_ account: MotoAccount, number: String = "1", listing: Duration = .milliseconds(300)) async throws {
            (self.account, self.number) = (account, number)
            let client = account.client()
            var pace = Pace()
            (pace.first, pace.listing) = (.milliseconds(20), listing)
            provider = AWSProvider(hubVersion: "1", client: client, pace: pace)
            let subnets = try await client.list("DescribeSubnets", items: "subnetSet", at: account.place)
            subnet = try #require(subnets.first?.text("subnetId"))
            let groups = try await client.list("DescribeSecurityGroups", items: "securityGroupInfo", at: account.place)
            group = try #require(groups.first?.text("groupId"))
            cluster = ProviderTests.cluster(
                in: "/nowhere", targets: [target("use1", "aws", ["region": .string(account.place.region)])])
        }

        func request(_ name: Int, owner: Ownership = Ownership(lineage: "l", fencing: 1), isCutOff: Bool = false)
            -> OperationRequest
        {
            OperationRequest(
                cluster: cluster, address: ResourceAddress("use1/instance.m\(name)")!,
                planned: [
                    "image": "ami-12c6146b", "type": "t3.small", "subnet": .string(subnet),
                    "securityGroups": [.string(group)], "region": .string(account.place.region),
                    "tags": ["team": "edge"],
                ], prior: [:], ancestors: [], token: "token-\(number)-m\(name)", owner: owner, isCutOff: isCutOff)
        }

        /// Creates all at once.
        func create(_ names: some Sequence<Int>) async -> [Int: Result<Attributes, any Error>] {
            await withTaskGroup(of: (Int, Result<Attributes, any Error>).self) { group in
                for name in names {
                    group.addTask {
                        do { return (name, .success(try await handler.create(request(name)))) } catch {
                            return (name, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }

        /// How many machines there are.
        func count() async throws -> Int {
            try await account.client().items(.instance, [:], account.place).count
        }

        func launches() async throws -> Int { try await account.front().calls["ec2:RunInstances"] ?? 0 }
    }

    @Test func manyAreMadeByOneCallAndKnownByTheirNames() async throws {
        let run = try await Run(try await Moto.account())
        let made = await run.create(1...20)
        let ids = try made.mapValues { try #require(try $0.get()["id"]?.stringValue) }
        #expect(Set(ids.values).count == 20)
        // One, unless the machine is so busy that some come late.
        #expect(try await run.launches() <= 4)
        let other = try await Run(run.account)
        let found = await other.handler.discover(DiscoveryRequest(cluster: other.cluster))
        #expect(found.unreadable.isEmpty && found.resources.count == 20)
        for resource in found.resources {
            let name = try #require(Int(resource.address.name.dropFirst()))
            #expect(resource.attributes["id"]?.stringValue == ids[name])
            #expect(resource.attributes["marked"] == true && resource.lineage == "l")
        }
        let read = await other.handler.read(
            (1...20).map {
                ReadRequest(
                    address: run.request($0).address, recorded: ["id": .string(ids[$0]!)], ancestors: [])
            }, of: run.cluster)
        #expect(read.allSatisfy { $0.attributes?["marked"] == true })
    }

    /// The answer to a call that made all of them is lost, again and again.
    @Test func aLostAnswerIsFoundByEachOfThem() async throws {
        let run = try await Run(try await Moto.account())
        try await run.account.faults(Array(repeating: "lose", count: 30), on: "RunInstances")
        for (_, result) in await run.create(1...4) {
            #expect(throws: ProviderError.self) { try result.get() }
            #expect(kind(result) == .answerLost)
        }
        try await run.account.front(["next": []])
        for name in 1...4 {
            let resolution = try await run.handler.resolve(run.request(name))
            guard case .landed(let found) = resolution else {
                Issue.record("m\(name): \(resolution)")
                continue
            }
            #expect(found["id"] != nil)
        }
        let made = await run.create(1...4)
        #expect(try Set(made.values.map { try $0.get()["id"] }).count == 4)
        #expect(try await run.count() == 4)
    }

    /// The call never arrived, and nobody knows: it is made again for all of them, whoever comes first.
    @Test func aLostCallIsMadeAgainInTheSameCompany() async throws {
        let run = try await Run(try await Moto.account(), listing: .seconds(60))
        try await run.account.faults(Array(repeating: "drop", count: 30), on: "RunInstances")
        for (_, result) in await run.create(1...4) { #expect(kind(result) == .answerLost) }
        try await run.account.front(["next": []])
        #expect(try await run.count() == 0)
        // It may be there and not be listed yet.
        guard case .unknownYet = try await run.handler.resolve(run.request(3)) else {
            Issue.record("taken not to be there")
            return
        }
        let first = await run.create([3])
        #expect(try first[3]?.get()["id"] != nil)
        #expect(try await run.count() == 4)
        let rest = await run.create([1, 2, 4])
        #expect(try Set((Array(rest.values) + Array(first.values)).map { try $0.get()["id"] }).count == 4)
        #expect(try await run.count() == 4)
    }

    @Test(arguments: ["room", "quota"]) func asManyAsPossibleAreMade(limit: String) async throws {
        let run = try await Run(try await Moto.account())
        try await run.account.front([limit: 5])
        let made = await run.create(1...16)
        let failures = made.compactMapValues { result in
            if case .failure(let error) = result { error as? ProviderError } else { nil }
        }
        #expect(failures.count == 11)
        #expect(try await run.count() == 5)
        for (name, error) in failures {
            #expect(error.kind == .rejected && error.message.hasPrefix("use1/instance.m\(name): "), "\(error)")
            #expect(error.attribute == "type")
        }
        // Far from one call for each.
        #expect(try await run.launches() <= 12)
        try await run.account.front([limit: .null])
        let rest = await run.create(failures.keys)
        #expect(rest.values.allSatisfy { (try? $0.get()) != nil })
        #expect(try await run.count() == 16)
    }

    /// A run was cut off in a create; another process asks.
    @Test func whatWasCutOffIsGivenTimeToBeListed() async throws {
        let account = try await Moto.account()
        let run = try await Run(account)
        guard case .unknownYet = try await run.handler.resolve(run.request(1, isCutOff: true)) else {
            Issue.record("taken not to be there at once")
            return
        }
        let isSettled = try await eventually {
            if case .notLanded = try await run.handler.resolve(run.request(1, isCutOff: true)) { true } else { false }
        }
        #expect(isSettled)
        // Of one that failed it is known how it ended.
        guard case .notLanded = try await run.handler.resolve(run.request(2)) else {
            Issue.record("waited for")
            return
        }
    }

    @Test func oneOfManyIsReplacedAndFencedByItself() async throws {
        let account = try await Moto.account()
        let run = try await Run(account)
        let made = await run.create(1...3)
        let ids = try made.mapValues { try #require(try $0.get()["id"]?.stringValue) }
        _ = try await account.client().call("TerminateInstances", ["InstanceId.1": ids[2]!], at: account.place)
        let later = try await Run(account, number: "2")
        let again = try await later.handler.create(later.request(2, owner: Ownership(lineage: "l", fencing: 2)))
        #expect(again["id"]?.stringValue != ids[2])
        let double = await later.create([1])
        #expect(throws: ProviderError.self) { try double[1]!.get() }
        // A later run was at m2 alone.
        try await later.handler.fence(later.request(3, owner: Ownership(lineage: "l", fencing: 5)))
        let late = try await Run(account)
        #expect(await providerError { try await late.handler.fence(late.request(3)) }?.kind == .fenced)
        #expect(await providerError { try await late.handler.fence(late.request(1)) } == nil)
        let found = await late.handler.discover(DiscoveryRequest(cluster: late.cluster))
        #expect(found.resources.map(\.address.text).sorted() == (1...3).map { "use1/instance.m\($0)" })
    }

    private func kind(_ result: Result<Attributes, any Error>) -> ProviderError.Kind? {
        if case .failure(let error) = result { (error as? ProviderError)?.kind } else { nil }
    }
}

/// Marks that instances share.
struct AWSSharedMarksTests {
    private func item(_ tags: [String: String], index: String?) -> XMLNode {
        let set = tags.map {
            XMLNode("item", children: [XMLNode("key", text: $0.key), XMLNode("value", text: $0.value)])
        }
        return XMLNode(
            "item",
            children: [XMLNode("tagSet", children: set)] + (index.map { [XMLNode("amiLaunchIndex", text: $0)] } ?? []))
    }

    private func marks(_ names: [String]) -> [CloudMarks] {
        names.map { name in
            var marks = CloudMarks([
                "osiris:cluster": "edge", "osiris:address": "use1/instance.\(name)",
                "osiris:operation": "token-\(name)",
            ])!
            (marks.lineage, marks.fence) = ("l", 3)
            return marks
        }
    }

    @Test func eachIsTheEntryOfItsIndex() throws {
        let all = marks(["m1", "m7", "m3"])
        let tags = CloudMarks.tags(of: all)
        for (index, one) in all.enumerated() {
            let found = try #require(CloudMarks(item(tags, index: "\(index)")))
            #expect(found.address == one.address && found.lineage == "l" && found.fence == 3)
            for other in all { #expect(found.isMade(by: other.operation) == (other == one)) }
        }
        for index in ["3", "-1", "x", nil] { #expect(CloudMarks(item(tags, index: index)) == nil) }
    }

    /// Whatever call made it, it was marked by itself since.
    @Test func oneEntryIsTheObjectsOwn() throws {
        let tags = CloudMarks.tags(of: marks(["m4"]))
        for index in ["0", "9", nil] {
            let found = try #require(CloudMarks(item(tags, index: index)))
            #expect(found.address.text == "use1/instance.m4" && found.isMade(by: "token-m4"))
        }
    }

    @Test func theLongestListsFitATag() {
        let target = String(repeating: "t", count: 63)
        let members = (976...1000).map { number in
            CloudMarks([
                "osiris:cluster": "c", "osiris:address": "\(target)/instance.m\(number)",
                "osiris:operation": "o\(number)",
            ])!
        }
        #expect(members.count == Launches.most)
        #expect(CloudMarks.tags(of: members).values.allSatisfy { $0.count <= 256 })
    }
}
