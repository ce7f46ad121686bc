import Foundation
import OsirisManifest
import OsirisModel

/// The settings of a simulated target, defaults filled in.
struct SimulatedTarget: Sendable {
    var count: Int
    /// How many racks the machines stand in, or nil for none.
    var racks: Int?
    var simulation: Simulation
    /// The file of the objects, relative to the manifest's folder where it is inside.
    var store: String

    init(_ target: Target, of cluster: Cluster) {
        let simulate = target.settings["simulate"]?.mapValue ?? [:]
        let machines = target.settings["machines"]?.mapValue
        count = machines?["count"]?.intValue ?? 1
        racks = machines?["racks"]?.intValue
        simulation = Simulation(simulate)
        store = simulate["store"]?.stringValue ?? Self.defaultStore(target.name)
        let prefix = cluster.folder + "/"
        if store.hasPrefix(prefix) { store = String(store.dropFirst(prefix.count)) }
    }

    /// True for the store of a target that names none. One that is renamed keeps it.
    static func isDefaultStore(_ value: Value) -> Bool {
        guard let path = value.stringValue, path.hasSuffix(".jsonl"), path.hasPrefix(folder) else { return false }
        return !path.dropFirst(folder.count).contains("/")
    }

    /// The stores beside the manifest of targets that name none, whatever those are called by now. Absolute, sorted.
    static func defaultStores(of cluster: Cluster) -> [String] {
        let path = cluster.folder + "/" + folder
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { path + $0 }
    }

    private static let folder = ".osiris/simulated/"

    static func defaultStore(_ target: String) -> String { "\(folder)\(target).jsonl" }

    /// `m0001`: at least four digits, and never renamed when the fleet grows.
    static func machineName(_ index: Int) -> String {
        let digits = String(index)
        return "m" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// `fleet-r01`: the failure domain of the machine with this index, from 1; nil without racks.
    func rack(of index: Int, in target: String) -> String? {
        guard let racks else { return nil }
        let rack = (index - 1) % racks + 1
        return target + (rack < 10 ? "-r0" : "-r") + String(rack)
    }

    static let schema = Schema([
        Field(
            "machines",
            .object(
                Schema([
                    Field("count", .int(1...100_000), default: 1, doc: "How many machines there are.", example: "1000"),
                    Field(
                        "racks", .int(1...10_000),
                        doc: """
                            The racks they stand in, dealt out in turn: each is a failure domain. Without it the target is
                            one.
                            """, example: "40"),
                ])), doc: "The machines of the fleet, named `m0001` and so on."),
        Field(
            "simulate",
            .object(
                Schema([
                    Field("latency", .duration, default: 0, doc: "How long each call takes.", example: "20ms"),
                    Field(
                        "jitter", .duration, default: 0, doc: "How far the latency strays, up and down.",
                        example: "10ms"),
                    Field(
                        "seed", .int(0...Int.max), default: 1,
                        doc: "Decides which calls fail and which objects change: the same seed, the same faults."),
                    Field(
                        "store", .path(mustExist: .anything),
                        doc: """
                            The file of the objects, one JSON line for each change, beside the manifest. Without it
                            `.osiris/simulated/TARGET.jsonl`. Editing it is drift.
                            """, example: "sim/fleet.jsonl"),
                    Field(
                        "faults", .object(faults),
                        doc: "What goes wrong: how often, from 0 (never) to 1 (always), or for which objects."),
                ])), doc: "How the simulated place behaves."),
    ])

    private static let faults = Schema([
        Field("throttle", .number(0...1), default: .double(0), doc: "A call is refused for the rate, without effect."),
        Field("transient", .number(0...1), default: .double(0), doc: "A call fails, without effect."),
        Field("lostAnswer", .number(0...1), default: .double(0), doc: "A change takes place, but its answer is lost."),
        Field(
            "change", .number(0...1), default: .double(0),
            doc: "An object changes by itself, seen at a refresh, at most once."),
        Field(
            "vanish", .number(0...1), default: .double(0),
            doc: "An object vanishes by itself, seen at a refresh, at most once.", example: "0.01"),
        Field(
            "notReady", .list(of: .string), default: [],
            doc: "Globs over addresses: what matches and is updated is changed, and does not become ready.",
            example: "[\"fleet/hub.m0001\"]"),
        Field(
            "notPutBack", .list(of: .string), default: [],
            doc: "Globs over addresses: what matches cannot be put back when a rollout fails.",
            example: "[\"fleet/hub.m0001\"]"),
        Field(
            "offline", .list(of: .string), default: [],
            doc: "Globs over machines that cannot be reached before an apply, so that they are set aside.",
            example: "[\"fleet/machine.m0003\"]"),
    ])
}
