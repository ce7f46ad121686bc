import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner

/// The simulated twin of a cluster: every target is a simulated one with the same name and as many machines, with the
/// same functions on it. Its objects are lines of files in a scratch folder; no real target is ever asked.
///
/// The safety limits are left out: they refuse plans, and what is tested here is what happens when plans run.
public struct Twin: Sendable {
    /// Which cluster the twin shows.
    public enum Variant: String, Codable, Sendable, CaseIterable {
        /// The manifest.
        case wanted
        /// Another port, a machine more in each target, a function less, one more and one with another environment:
        /// from here to `wanted` there is something to create, update and delete.
        case earlier
        /// The same in other stores: from here to `wanted` every machine is replaced.
        case moved
        /// The same under other names: from here to `wanted` everything is renamed.
        case former
    }

    private static let formerly = "osiris-chaos-"

    private let cluster: Cluster
    private let machines: [String: Int]

    /// - Throws: `DiagnosticsError` with the faults of the targets.
    public init(of cluster: Cluster, _ registry: ProviderRegistry) throws {
        self.cluster = cluster
        machines = try cluster.targets.reduce(into: [:]) { machines, target in
            machines[target.name] = try registry.provider(named: target.provider)?
                .expand(target, of: cluster).machines.count
        }
    }

    /// The twin as a cluster.
    /// - Parameter folder: of the scenario, absolute; its stores are in `sim/` there.
    public func cluster(_ variant: Variant, in folder: String, faults: Step.Faults? = nil) -> Cluster {
        var twin = cluster
        twin.folder = folder
        twin.safety = SafetySpec(maxDeletes: nil, protect: [], spans: cluster.safety.spans)
        twin.targets = cluster.targets.compactMap { target in
            guard let count = machines[target.name], count > 0 else { return nil }
            let store = variant == .moved ? "sim/moved-\(target.name).jsonl" : "sim/\(target.name).jsonl"
            var simulate: [String: Value] = [
                "latency": 0, "jitter": 0, "seed": .int(faults?.seed ?? 1), "store": .string(store),
            ]
            if let faults {
                simulate["faults"] = [
                    "throttle": .double(faults.throttle), "transient": .double(faults.transient),
                    "lostAnswer": .double(faults.lostAnswer),
                ]
            }
            return Target(
                name: variant == .former ? Self.formerly + target.name : target.name, provider: "simulated",
                settings: [
                    "machines": ["count": .int(variant == .earlier ? count + 1 : count)], "simulate": .map(simulate),
                ], spans: target.spans)
        }
        twin.moved = twin.targets.map { MovedSpec(from: .target(Self.formerly + $0.name), to: .target($0.name)) }
        if variant == .earlier { Self.makeEarlier(&twin) }
        if variant == .former { Self.makeFormer(&twin) }
        return twin
    }

    /// Arguments that name a target's machines cannot be resolved under another name: they come with the rename.
    private static func makeFormer(_ twin: inout Cluster) {
        twin.moved = []
        for index in twin.functions.indices {
            twin.functions[index].env = twin.functions[index].env.filter { !$0.value.containsUnknown }
            twin.functions[index].placement = twin.functions[index].placement?.map { formerly + $0 }
        }
    }

    private static func makeEarlier(_ twin: inout Cluster) {
        twin.hub.port += twin.hub.port < 65535 ? 1 : -1
        guard var extra = twin.functions.first else { return }
        extra.name = "osiris-chaos-earlier"
        if twin.functions.count > 1 { twin.functions.removeFirst() }
        twin.functions[twin.functions.count - 1].env["OSIRIS_CHAOS"] = "earlier"
        twin.functions.append(extra)
    }
}
