import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import ProviderHub
import ProviderLocal
import Testing

/// The authority of a cluster, which is in the state, and sealed in the marks of its hubs.
@Suite struct ClusterAuthorityTests {
    private let cluster = ProviderTests.cluster(in: "/nowhere")

    private func handler(_ now: Date = Date()) -> any ResourceHandler {
        HubProvider(http: testHTTP, now: { now }).handler("authority")
    }

    @Test func oneOperationMakesOneAuthority() async throws {
        let handler = handler()
        let first = try await handler.create(TLSHub.authorityRequest(cluster, "t"))
        #expect(try await handler.create(TLSHub.authorityRequest(cluster, "t")) == first)
        let second = try await handler.create(TLSHub.authorityRequest(cluster, "u"))
        #expect(second["certificate"] != first["certificate"] && second["key"] != first["key"])
        let read = await handler.read(
            [ReadRequest(address: AuthorityResource.address(of: cluster), recorded: first, ancestors: [])], of: cluster)
        #expect(read[0].attributes == first)
        guard case .notLanded = try await handler.resolve(TLSHub.authorityRequest(cluster, "t")) else {
            Issue.record("landed")
            return
        }
        let ends = try Date(first["expires"]?.stringValue ?? "", strategy: .iso8601)
        #expect(ends > Date() + 3649 * 86400)
        #expect("\(first)".contains("(secret)") && !"\(first)".contains("PRIVATE KEY"))
    }

    @Test func anUpdateWithoutACauseChangesNothing() async throws {
        let first = try await handler().create(TLSHub.authorityRequest(cluster, "t"))
        #expect(try await handler().update(TLSHub.authorityRequest(cluster, "u", prior: first)) == first)
        var lost = first
        lost["key"] = nil
        let new = try await handler().update(TLSHub.authorityRequest(cluster, "v", prior: lost))
        #expect(new["certificate"] != first["certificate"] && new["key"]?.stringValue != nil)
    }

    /// Nine years on, the next steps are taken without being asked for.
    @Test func oneThatEndsSoonIsReplacedInTwoSteps() async throws {
        let first = try await handler(Date() - 9.2 * 365 * 86400).create(TLSHub.authorityRequest(cluster, "t"))
        let both = try await handler().update(TLSHub.authorityRequest(cluster, "u", prior: first))
        let certificates = try Certificate.all(in: both["certificate"]?.stringValue ?? "")
        #expect(certificates.count == 2 && both["expires"] == first["expires"])
        #expect(certificates[0].pem == first["certificate"]?.stringValue)
        let alone = try await handler().update(TLSHub.authorityRequest(cluster, "v", prior: both))
        #expect(alone["certificate"]?.stringValue == certificates[1].pem && alone["expires"] != first["expires"])
        #expect(try await handler().update(TLSHub.authorityRequest(cluster, "w", prior: alone)) == alone)
    }

    // MARK: A lost state

    private func hub(_ name: String, _ authority: Attributes) -> DiscoveredResource {
        DiscoveredResource(
            address: ResourceAddress("here/hub.\(name)")!,
            attributes: ["authority": authority["certificate"]!, "authorityKey": authority["key"]!], place: "here")
    }

    private func found(_ hubs: [DiscoveredResource]) async -> [DiscoveredResource] {
        await handler().discover(DiscoveryRequest(cluster: cluster, below: hubs)).resources
    }

    /// Hubs that a rotation did not come to know an earlier step of it.
    @Test func theHubsTellTheLatestOfARotation() async throws {
        let first = try await handler(Date() - 9.2 * 365 * 86400).create(TLSHub.authorityRequest(cluster, "t"))
        let both = try await handler().update(TLSHub.authorityRequest(cluster, "u", prior: first))
        let alone = try await handler().update(TLSHub.authorityRequest(cluster, "v", prior: both))
        let steps = [first, both, alone]
        for hubs in [[0], [0, 0, 1], [1, 0], [1, 2, 1], [2, 1]] {
            let found = await found(hubs.enumerated().map { hub("h\($0)", steps[$1]) })
            #expect(found.map(\.attributes) == [steps[hubs.max()!]], "\(hubs)")
            #expect(found.first?.attributes["key"]?.stringValue == steps[hubs.max()!]["key"]?.stringValue)
            #expect(found.first?.address == AuthorityResource.address(of: cluster))
        }
    }

    @Test func keysThatAreNotKnownOrAnotherOnesAreNoAuthority() async throws {
        var (one, other) = (
            try await handler().create(TLSHub.authorityRequest(cluster, "t")),
            try await handler().create(TLSHub.authorityRequest(cluster, "u"))
        )
        #expect(await found([]).isEmpty)
        one["key"] = other["key"]
        other["key"] = .secret(AuthorityResource.key(of: other["certificate"]?.stringValue ?? "", clear: nil))
        #expect(await found([hub("a", one), hub("b", other)]).isEmpty)
    }

    // MARK: Who speaks TLS

    @Test func theManifestDecidesAndLocalHubsSpeakNoneByThemselves() throws {
        var cluster = cluster
        #expect(HubResource.speaksTLS(cluster) && !HubResource.speaksTLS(cluster, isLocal: true))
        for tls in [true, false] {
            cluster.hub.tls = tls
            #expect(HubResource.speaksTLS(cluster) == tls && HubResource.speaksTLS(cluster, isLocal: true) == tls)
        }
    }

    @Test func theAuthorityIsDeclaredWithTheHubsThatNeedIt() throws {
        let local = LocalProvider(hubVersion: "1.0.0", http: testHTTP)
        var cluster = cluster
        cluster.targets = [target("a", "local", ["port": 8001])]
        let plain = try local.expand(cluster.targets[0], of: cluster)
        #expect(plain.shared.isEmpty && plain.resources[0].attributes["authority"] == nil)
        cluster.hub.tls = true
        let secure = try local.expand(cluster.targets[0], of: cluster)
        #expect(secure.shared.map(\.address.text) == ["cluster/authority.edge"])
        var references: [String] = []
        for value in secure.resources[0].attributes.values { value.forEachReference { references.append("\($0)") } }
        #expect(
            references.sorted() == ["${cluster/authority.edge.certificate}", "${cluster/authority.edge.key}"])
    }
}
