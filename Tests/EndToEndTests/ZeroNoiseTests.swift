import Foundation
import OsirisEngine
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState
import ProviderSimulated
import Synchronization
import Testing

/// Random manifests on a moody provider: a plan after apply is empty, apply does what the plan says and nothing else, and
/// the line that a change names is the one that makes it.
///
/// OSIRIS_SEED starts somewhere else; a failure names its seed.
@Suite struct ZeroNoiseTests {
    private static let firstSeed = ProcessInfo.processInfo.environment["OSIRIS_SEED"].flatMap(UInt64.init) ?? 1

    @Test func planAfterApplyIsEmptyAndApplyIsThePlan() async throws {
        let seeds = Self.firstSeed..<(Self.firstSeed + 30)
        print("zero noise: seeds \(seeds)")
        var edits = 0
        var actions = Set<Action>()
        var noise: [String: Int] = [:]
        for seed in seeds {
            var random = SplitMix(seed: seed)
            let rig = try MoodyCluster(seed: seed)
            var manifest = RandomManifest(using: &random)
            for step in 0...20 {
                if step > 0 { manifest.edit(using: &random) }
                let place = "seed \(seed), step \(step)"
                let plan = try await rig.plan(manifest.text)
                // The same facts in other words do not make a saved plan stale.
                let stale = try await rig.plan(manifest.text).base.firstMovedFact(of: plan.plan, rig.registry)
                #expect(stale == nil, "\(place)")
                let (executed, summary) = try await rig.apply(manifest.text, plan)
                #expect(summary.isComplete, "\(place): \(summary.diagnostics)")
                let planned = plan.plan.operations.map { "\($0.kind) \(plan.plan.changes[$0.change].address)" }
                #expect(executed.sorted() == planned.sorted(), "\(place)")
                let again = try await rig.plan(manifest.text)
                #expect(
                    again.plan.isEmpty && again.plan.drift.isEmpty,
                    """
                    \(place): \(again.plan.changes.map { "\($0.action) \($0.address): \($0.reason.text) \($0.attributes)" })
                    \(again.plan.drift)
                    \(manifest.text)
                    """)
                actions.formUnion(plan.plan.changes.map(\.action))
                if step > 0 && !plan.plan.isEmpty { edits += 1 }
                if !again.plan.isEmpty || !summary.isComplete { return }
            }
            noise.merge(rig.noise) { $0 + $1 }
        }
        print("\(edits) edits that changed something; worded otherwise: \(noise)")
        #expect(edits >= 500 && actions.isSuperset(of: [.create, .update, .delete]))
        // The generator is worth something only if it reaches the cases.
        #expect(Set(noise.keys).isSuperset(of: ["default", "extra field", "duration", "size", "number", "flag"]))
    }

    @Test func theNamedLineMakesTheChange() async throws {
        let seeds = Self.firstSeed..<(Self.firstSeed + 40)
        print("lines: seeds \(seeds)")
        var reverted = 0
        for seed in seeds {
            var random = SplitMix(seed: seed &* 7_919)
            let rig = try MoodyCluster(seed: seed)
            let manifest = RandomManifest(using: &random)
            _ = try await rig.apply(manifest.text, try await rig.plan(manifest.text))
            let old = manifest.text.components(separatedBy: "\n")
            // One line of each of several functions, and sometimes that of the port.
            let edited = manifest.editingOneLineOfSome(using: &random).components(separatedBy: "\n")
            let lines = old.indices.filter { old[$0] != edited[$0] }
            let plan = try await rig.plan(edited.joined(separator: "\n")).plan
            let causes = Dictionary(grouping: plan.changes) { $0.source?.start.line ?? 0 }
            #expect(Set(causes.keys) == Set(lines.map { $0 + 1 }), "seed \(seed)")
            for line in lines {
                var without = edited
                without[line] = old[line]
                let rest = try await rig.plan(without.joined(separator: "\n")).plan
                let expected = plan.changes.filter { $0.source?.start.line != line + 1 }.map(\.address)
                #expect(rest.changes.map(\.address) == expected, "seed \(seed), line \(line + 1): \(edited[line])")
                reverted += 1
            }
        }
        print("\(reverted) lines were put back one by one")
        #expect(reverted > 60)
    }
}

/// A manifest as lines, so that an edit is an edit of a line.
private struct RandomManifest {
    private struct Function {
        var name: String
        var lines: [String]
    }

    private var functions: [Function] = []
    private var port = 8080
    private var machines = 2
    private var made = 0

    init(using random: inout SplitMix) {
        for _ in 0..<Int.random(in: 1...4, using: &random) { add(using: &random) }
        machines = Int.random(in: 1...3, using: &random)
    }

    private mutating func add(using random: inout SplitMix) {
        made += 1
        functions.append(Function(name: "f\(made)", lines: Self.lines(using: &random)))
    }

    private static func lines(using random: inout SplitMix) -> [String] {
        var lines = ["env.LEVEL", "limits.timeout", "alwaysOn"].map { line($0, using: &random) }
        for key in ["limits.memory", "scale.max", "scale.idle", "env.MODE", "command"] where Bool.random(using: &random)
        {
            lines.append(line(key, using: &random))
        }
        if !lines.contains(where: { $0.hasPrefix("command") }) { lines.append("command: [cat]") }
        return lines
    }

    private static func line(_ key: String, using random: inout SplitMix) -> String {
        let values: [String] =
            switch key {
            case "limits.timeout": ["10s", "2500ms", "1m", "1m30s", "10000ms", "60s"]
            case "limits.memory": ["64Mi", "65536Ki", "128Mi", "1Gi", "1024Mi"]
            case "scale.max": ["1", "2", "3", "16"]
            case "scale.idle": ["5m", "300s", "90s", "1m30s"]
            case "alwaysOn": ["true", "false"]
            case "command": ["[cat]", "[cat, -u]", "[cat, \"-\"]"]
            default: ["low", "high", "\"08\"", "\"true\"", "\"10s\"", "\"\""]
            }
        return "\(key): \(values.randomElement(using: &random)!)"
    }

    /// Another value, a function more or less, another port, a machine more or less.
    mutating func edit(using random: inout SplitMix) {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: add(using: &random)
        case 1 where functions.count > 1: functions.remove(at: Int.random(in: functions.indices, using: &random))
        case 2: port = Int.random(in: 8080...8090, using: &random)
        case 3: machines = Int.random(in: 1...3, using: &random)
        default:
            let index = Int.random(in: functions.indices, using: &random)
            functions[index].lines = Self.lines(using: &random)
        }
    }

    var text: String {
        var lines = [
            "apiVersion: osiris.dev/v1", "kind: Cluster", "metadata: {name: moody}", "spec:", "  hub:",
            "    port: \(port)", "  rollout: {maxUnavailable: 100%}", "  functions:",
        ]
        for function in functions {
            lines += ["    - name: \(function.name)", "      namespace: demo", "      runtime: command"]
            for group in ["env", "limits", "scale"] {
                let members = function.lines.filter { $0.hasPrefix(group + ".") }
                if members.isEmpty { continue }
                lines.append("      \(group):")
                for member in members { lines.append("        " + member.dropFirst(group.count + 1)) }
            }
            for line in function.lines where !line.prefix(while: { $0 != ":" }).contains(".") {
                lines.append("      " + line)
            }
        }
        lines += [
            "  targets:", "    - name: fleet", "      provider: simulated",
            "      machines: {count: \(machines)}", "      simulate: {store: sim.jsonl}", "",
        ]
        return lines.joined(separator: "\n")
    }

    /// The same lines, one of each of some functions with a value that means something else.
    func editingOneLineOfSome(using random: inout SplitMix) -> String {
        var other = self
        for index in functions.indices where index == 0 || Bool.random(using: &random) {
            let line = Int.random(in: functions[index].lines.indices, using: &random)
            let key = String(functions[index].lines[line].prefix { $0 != ":" })
            let value =
                switch key {
                case "limits.timeout": "7s"
                case "limits.memory": "96Mi"
                case "scale.max": "9"
                case "scale.idle": "77s"
                case "alwaysOn": functions[index].lines[line].hasSuffix("true") ? "false" : "true"
                case "command": "[tac]"
                default: "another"
                }
            other.functions[index].lines[line] = "\(key): \(value)"
        }
        if Bool.random(using: &random) { other.port = 9999 }
        return other.text
    }
}

/// A cluster in a folder of its own, on a simulated fleet whose answers are worded at random.
private final class MoodyCluster: Sendable {
    struct Planned: Sendable {
        var plan: Plan
        var base: PlanBase
        var cluster: Cluster
    }

    private let scratch: Scratch
    private let provider: NoisyProvider
    let registry: ProviderRegistry
    private let store: StateStore

    init(seed: UInt64) throws {
        scratch = try Scratch()
        provider = NoisyProvider(SimulatedProvider(hubVersion: "1.0.0"), seed: seed)
        registry = ProviderRegistry([provider])
        store = StateStore.open(path: scratch.url.path + "/state.db")
    }

    var noise: [String: Int] { (provider.handlers[0] as? NoisyHandler)?.noise.done.withLock { $0 } ?? [:] }

    private func cluster(_ text: String) throws -> Cluster {
        try scratch.write(text, to: "cluster.yaml")
        let loaded = ManifestLoader.load(
            ManifestOptions(
                paths: [scratch.url.path + "/cluster.yaml"], environment: [:], kinds: registry.targetKinds,
                secretDigest: { Digest.sha256($0.utf8) }))
        return try #require(loaded.cluster, "\(loaded.diagnostics)\n\(text)")
    }

    func plan(_ text: String) async throws -> Planned {
        let cluster = try cluster(text)
        let workflow = Workflow(registry)
        let base = await workflow.base(try await store.snapshot(), of: cluster)
        return Planned(plan: try workflow.plan(cluster, from: base), base: base, cluster: cluster)
    }

    /// - Returns: the operations that were carried out, such as `create fleet/hub.m0001`.
    func apply(_ text: String, _ planned: Planned) async throws -> ([String], ApplySummary) {
        let session = try await store.begin(RunDescription(operation: "apply", cluster: "moody"))
        try await Workflow(registry).record(planned.base, planned.plan, to: session)
        let log = Executed()
        let summary = await Applier(registry, observer: log).apply(
            planned.plan, of: planned.cluster, from: planned.base, session: session, control: ApplyControl())
        try await session.end(.succeeded)
        return (log.operations.withLock { $0 }, summary)
    }
}

private final class Executed: ApplyObserver {
    let operations = Mutex<[String]>([])

    func observe(_ event: ApplyEvent, at time: Date) {
        if case .operationSucceeded(let address, let kind, _) = event {
            operations.withLock { $0.append("\(kind) \(address)") }
        }
    }
}
