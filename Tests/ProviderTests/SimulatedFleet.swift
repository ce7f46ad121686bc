import OsirisManifest
import OsirisModel
import OsirisProviderKit
import ProviderSimulated

/// A simulated target with the steps of an apply, written out.
struct SimulatedFleet: Sendable {
    let folder: TemporaryFolder
    var provider = SimulatedProvider(hubVersion: "1.0.0")
    var cluster: Cluster
    static let store = "sim/fleet.jsonl"

    init(count: Int, faults: [String: Value] = [:], functions: [FunctionSpec] = [], seed: Int = 7) throws {
        folder = try TemporaryFolder()
        let settings: Attributes = [
            "machines": ["count": .int(count)],
            "simulate": ["seed": .int(seed), "store": .string(Self.store), "faults": .map(faults)],
        ]
        cluster = ProviderTests.cluster(
            in: folder.path, targets: [target("fleet", "simulated", settings)], functions: functions)
        print("seed \(seed)")
    }

    var lines: [Substring] { folder.text(Self.store).split(separator: "\n") }

    /// Declarations of the target and of the functions on its machines, parents first.
    func declarations() throws -> [ResourceDeclaration] {
        let expansion = try provider.expand(cluster.targets[0], of: cluster)
        let functions = expansion.machines.flatMap { machine in
            cluster.functions.map { function in
                ResourceDeclaration(
                    address: ResourceAddress(
                        target: "fleet", type: "function",
                        name: "\(machine.name).\(function.namespace).\(function.name)"),
                    provider: machine.functionProvider, attributes: FunctionResource.arguments(function),
                    parent: machine.hub, spans: nowhere)
            }
        }
        return expansion.resources + functions
    }

    func request(
        _ declaration: ResourceDeclaration, _ present: [ResourceAddress: Attributes], token: String? = nil
    ) -> OperationRequest {
        OperationRequest(
            cluster: cluster, address: declaration.address,
            planned: declaration.attributes.mapValues { value in
                value.resolvingReferences { present[$0.address]?[$0.attribute] ?? .unknown }
            }, prior: [:], ancestors: ancestors(declaration.parent, present),
            token: token ?? "t-\(declaration.address)")
    }

    func ancestors(_ parent: ResourceAddress?, _ present: [ResourceAddress: Attributes]) -> [Attributes] {
        guard let parent else { return [] }
        let types = ["hub", "image", "engine", "machine"]
        return types.drop { $0 != parent.type }.compactMap {
            present[ResourceAddress(target: "fleet", type: $0, name: String(parent.name))]
        }
    }

    /// Creates everything, trying again as an engine would; answers the attributes.
    func create() async throws -> [ResourceAddress: Attributes] {
        var present: [ResourceAddress: Attributes] = [:]
        for declaration in try declarations() {
            let handler = provider.handler(String(declaration.address.type))
            let request = request(declaration, present)
            while present[declaration.address] == nil {
                do {
                    present[declaration.address] = try await handler.create(request)
                } catch let error as ProviderError where error.kind == .answerLost {
                    if case .landed(let found) = try await handler.resolve(request) {
                        present[declaration.address] = found
                    }
                } catch let error as ProviderError where error.kind != .rejected {
                    continue
                }
            }
        }
        return present
    }

    func read(_ present: [ResourceAddress: Attributes], type: String) async -> [ResourceAddress: ReadResult] {
        let addresses = present.keys.filter { $0.type == type }.sorted()
        let requests = addresses.map { address in
            let name = String(address.name.prefix { $0 != "." })
            let hub = ResourceAddress(target: "fleet", type: "hub", name: name)
            return ReadRequest(
                address: address, recorded: present[address] ?? [:],
                ancestors: type == "machine" ? [] : ancestors(hub, present))
        }
        let results = await provider.handler(type).read(requests, of: cluster)
        return Dictionary(uniqueKeysWithValues: zip(addresses, results))
    }
}
