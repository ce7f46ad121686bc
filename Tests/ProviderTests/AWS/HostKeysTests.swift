import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderAWS

/// Host keys of instances, which are read from their consoles alone, by the handler against moto.
struct AWSHostKeysTests {
    private let account: MotoAccount
    private let handler: any ResourceHandler
    private let cluster: Cluster
    /// By machine.
    private let ids: [String]

    init() async throws {
        account = try await Moto.account()
        let client = account.client()
        handler = AWSProvider(hubVersion: "1", client: client).handler("hostKeys")
        cluster = ProviderTests.cluster(
            in: "/nowhere", targets: [target("use1", "aws", ["region": .string(account.place.region)])])
        let answer = try await client.call(
            "RunInstances", ["ImageId": "ami-12c6146b", "MinCount": "3", "MaxCount": "3"], at: account.place)
        ids = answer.items("instancesSet").compactMap { $0.text("instanceId") }
        try #require(ids.count == 3)
    }

    private func wanted(_ number: Int) -> ResourceDeclaration {
        ResourceDeclaration(
            address: ResourceAddress("use1/hostKeys.m\(number)")!, provider: "aws",
            attributes: [
                "instance": .string(ids[number - 1]), "region": .string(account.place.region), "account": .null,
            ], parent: ResourceAddress("use1/instance.m\(number)")!, spans: nowhere)
    }

    private func request() -> DiscoveryRequest {
        DiscoveryRequest(
            cluster: cluster,
            below: (1...3).map {
                DiscoveredResource(address: wanted($0).parent!, attributes: [:], lineage: "l", place: "here")
            }, wanted: (1...3).map(wanted))
    }

    private func wrote(_ consoles: [Int: String]) async throws {
        let pairs = consoles.map { (ids[$0.key - 1], Value.string($0.value)) }
        try await account.front(["consoles": .map(Dictionary(uniqueKeysWithValues: pairs))])
    }

    /// As cloud-init writes them.
    private func console(_ key: String) -> String {
        "[ OK ] up\r\n-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 \(key) root@m\r\n"
            + "-----END SSH HOST KEY KEYS-----\r\n"
    }

    @Test func aLostStateGetsThemAsTheFirstApplyDid() async throws {
        try await wrote([1: console("AAAA"), 2: console("BBBB"), 3: console("CCCC")])
        let found = await handler.discover(request())
        #expect(found.unreadable.isEmpty && found.resources.count == 3)
        for (index, resource) in found.resources.enumerated() {
            let declared = wanted(index + 1)
            let made = try await handler.create(
                OperationRequest(
                    cluster: cluster, address: declared.address, planned: declared.attributes, prior: [:],
                    ancestors: [], token: "t"))
            #expect(resource.address == declared.address && resource.parent == declared.parent)
            #expect(resource.attributes == made && resource.lineage == "l")
        }
        #expect(found.resources.first?.attributes["keys"] == ["ssh-ed25519 AAAA"])
        // One look at each console for the discovery, and one for each create.
        #expect(try await account.front().calls["ec2:GetConsoleOutput"] == 6)
    }

    @Test func aMachineWithoutThemIsNamedAndTheOthersAreFound() async throws {
        try await wrote([1: console("AAAA"), 2: "[ OK ] started again\r\n", 3: console("CCCC")])
        let found = await handler.discover(request())
        #expect(found.resources.map(\.address.name) == ["m1", "m3"])
        #expect(found.unreadable.map(\.place) == ["machine use1/instance.m2"])
        #expect(found.unreadable.first?.reason.contains("the console of \(ids[1]) has no host keys") == true)
    }

    @Test func aConsoleThatMayNotBeReadIsNoAbsence() async throws {
        try await wrote([1: console("AAAA"), 2: console("BBBB"), 3: console("CCCC")])
        try await account.faults(["403 UnauthorizedOperation"], on: "GetConsoleOutput")
        let found = await handler.discover(request())
        #expect(found.resources.count == 2 && found.unreadable.count == 1)
        #expect(found.unreadable.first?.reason.contains("UnauthorizedOperation") == true, "\(found.unreadable)")
    }

    @Test func nothingIsAskedAboutMachinesThatHaveNoHosts() async throws {
        var request = request()
        request.wanted = []
        let found = await handler.discover(request)
        #expect(found.resources.isEmpty && found.unreadable.isEmpty)
        #expect(try await account.front().calls["ec2:GetConsoleOutput"] == nil)
    }
}
