import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// `provider: simulated`: machines, engines, images, hubs and functions that exist as lines of a file, with latency and
/// faults on request. For trying out fleets, rollouts and failures without a cloud.
public struct SimulatedProvider: Provider {
    static let name = "simulated"
    public var name: String { Self.name }
    public let targetKind: TargetKind?
    public let handlers: [any ResourceHandler]
    private let hubVersion: String

    /// - Parameter hubVersion: The version of the hub program that machines of this release run.
    public init(hubVersion: String) {
        let place = SimulatedPlace()
        self.hubVersion = hubVersion
        targetKind = TargetKind(
            provider: "simulated",
            doc: "A fleet that exists only as lines of a file: any size, any latency, any fault.",
            schema: SimulatedTarget.schema)
        handlers = [
            SimulatedHandler<SimulatedMachine>(place: place), SimulatedHandler<SimulatedEngine>(place: place),
            SimulatedHandler<SimulatedImage>(place: place), SimulatedHandler<SimulatedHub>(place: place),
            SimulatedHandler<SimulatedFunction>(place: place),
        ]
    }

    /// Four resources for each machine, each on the one before it.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        let settings = SimulatedTarget(target, of: cluster)
        let image: Attributes = ["reference": .string(SimulatedImage.reference(cluster.hub, version: hubVersion))]
        let machine: Attributes = ["store": .string(settings.store)]
        var expansion = Expansion()
        expansion.resources.reserveCapacity(settings.count * 4)
        expansion.machines.reserveCapacity(settings.count)
        for index in 1...settings.count {
            let name = SimulatedTarget.machineName(index)
            let addresses = SimulatedChain.types.map { ResourceAddress(target: target.name, type: $0, name: name) }
            let attributes: [Attributes] = [
                machine,
                [
                    "name": "podman", "version": "4.3.1",
                    "host": .reference(AttributeReference(addresses[0], "address")),
                ],
                image, hub(cluster, image: addresses[2]),
            ]
            for (rank, attributes) in attributes.enumerated() {
                expansion.resources.append(
                    ResourceDeclaration(
                        address: addresses[rank], provider: self.name, attributes: attributes,
                        parent: rank == 0 ? nil : addresses[rank - 1],
                        spans: rank < 2 ? target.spans : cluster.hub.spans))
            }
            expansion.machines.append(
                Machine(
                    name: name, hub: addresses[3], functionProvider: self.name,
                    domain: settings.rack(of: index, in: target.name),
                    address: .reference(AttributeReference(addresses[0], "address"))))
        }
        return expansion
    }

    public func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] {
        Set(changes.map(\.root)).sorted().compactMap { machine in
            guard let target = cluster.targets.first(where: { $0.name == machine.target }),
                SimulatedTarget(target, of: cluster).simulation.isOffline(machine)
            else { return nil }
            return PreflightFault(
                root: machine, code: .machineOffline, message: "it cannot be reached (simulated)",
                help: "take it out of `simulate.faults.offline`, then apply again", source: target.spans["simulate"])
        }
    }

    private func hub(_ cluster: Cluster, image: ResourceAddress) -> Attributes {
        var attributes = HubResource.arguments(
            port: cluster.hub.port, version: hubVersion, alerts: cluster.hub.alerts, settings: cluster.hub.settings)
        attributes["image"] = .reference(AttributeReference(image, "digest"))
        return attributes
    }
}
