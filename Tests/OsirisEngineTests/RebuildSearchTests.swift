import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import Synchronization
import Testing

@testable import OsirisEngine

/// In which order providers are asked what exists, and what they are told about what the manifest wants.
struct RebuildSearchTests {
    /// Notes what it was asked, and answers what it was made with.
    private final class Noting: Provider, ResourceHandler {
        let name: String
        let targetKind: TargetKind?
        let type: ResourceType
        private let found: [DiscoveredResource]
        let asked = Mutex<[DiscoveryRequest]>([])
        var handlers: [any ResourceHandler] { [self] }

        init(_ name: String, _ type: String, hasTargets: Bool = true, _ found: [DiscoveredResource] = []) {
            self.name = name
            self.type = ResourceType(name: type, doc: "A thing.", schema: Schema([]))
            targetKind = hasTargets ? TargetKind(provider: name, doc: "Noting.", schema: Schema([])) : nil
            self.found = found
        }

        func discover(_ request: DiscoveryRequest) async -> Discovery {
            asked.withLock { $0.append(request) }
            return Discovery(found)
        }

        var request: DiscoveryRequest? { asked.withLock { $0.count == 1 ? $0[0] : nil } }

        func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { Expansion() }
        func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
            requests.map { _ in .absent }
        }
        func create(_ request: OperationRequest) async throws -> Attributes { [:] }
        func update(_ request: OperationRequest) async throws -> Attributes { [:] }
        func delete(_ request: OperationRequest) async throws {}
        func resolve(_ request: OperationRequest) async throws -> IntentResolution { .notLanded }
        func fence(_ request: OperationRequest) async throws {}
    }

    private static func address(_ text: String) -> ResourceAddress { ResourceAddress(text)! }

    private static func machine(_ name: String, _ address: String) -> DiscoveredResource {
        DiscoveredResource(
            address: Self.address("t/machine.\(name)"), attributes: ["address": .string(address)], place: "cloud")
    }

    private static func host(_ name: String, _ spans: SpanMap) -> [ResourceDeclaration] {
        let machine = address("t/machine.\(name)")
        return [
            ResourceDeclaration(address: machine, provider: "cloud", attributes: [:], spans: spans),
            ResourceDeclaration(
                address: address("t/host.\(name)"), provider: "hosts",
                attributes: ["login": ["user": "ops", "at": .reference(AttributeReference(machine, "address"))]],
                parent: machine, spans: spans),
        ]
    }

    @Test func hostsAreAskedForAfterTheMachinesAndToldWhereTheyAre() async throws {
        let rig = try Rig(FakeProvider([]))
        let spans = rig.cluster.spans
        // m2 is not there, and two claim to be m3.
        let cloud = Noting(
            "cloud", "machine",
            [Self.machine("m1", "198.51.100.1"), Self.machine("m3", "a"), Self.machine("m3", "b")])
        let hosts = Noting(
            "hosts", "host", [DiscoveredResource(address: Self.address("t/host.m1"), attributes: [:], place: "m1")])
        let guests = Noting("guests", "function", hasTargets: false)
        let own = ResourceDeclaration(
            address: Self.address("rack/host.n1"), provider: "hosts", attributes: ["login": "n1"], spans: spans)
        let desired = try DesiredGraph(linking: ["m1", "m2", "m3"].flatMap { Self.host($0, spans) } + [own])
        // In the order that would be wrong.
        let registry = ProviderRegistry([guests, hosts, cloud])
        let finds = await Rebuild(registry).search(DiscoveryRequest(cluster: rig.cluster), for: desired)

        #expect(finds.resources.map(\.provider) == ["cloud", "cloud", "cloud", "hosts"])
        let asked = try #require(hosts.request)
        #expect(asked.below.isEmpty)
        let wanted = Dictionary(uniqueKeysWithValues: asked.wanted.map { ($0.address.text, $0.attributes["login"]) })
        #expect(wanted == ["t/host.m1": ["user": "ops", "at": "198.51.100.1"], "rack/host.n1": "n1"])
        #expect(cloud.request?.wanted.map(\.address.name).sorted() == ["m1", "m2", "m3"])
        #expect(guests.request?.below.map(\.address.text).sorted().last == "t/machine.m3")
        #expect(guests.request?.below.count == 4 && guests.request?.wanted.isEmpty == true)
    }

    @Test func withoutAManifestOfTheirsAllAreAsked() async throws {
        let rig = try Rig(FakeProvider([]))
        let (cloud, hosts) = (Noting("cloud", "machine"), Noting("hosts", "host"))
        let finds = await Rebuild(ProviderRegistry([hosts, cloud])).search(
            DiscoveryRequest(cluster: rig.cluster), for: .empty)
        #expect(finds.resources.isEmpty && cloud.request != nil && hosts.request?.wanted.isEmpty == true)
    }
}
