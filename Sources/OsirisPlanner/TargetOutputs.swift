import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// What other parts of a manifest use of targets: `${target.rack-a.machines[0].address}`.
struct TargetOutputs {
    /// By the target's name, in the order of its expansion.
    var machines: [String: [Machine]] = [:]
    private(set) var diagnostics: [Diagnostic] = []

    /// The attributes with every output in its place: as a text where it is known, else as a reference to the resource
    /// that will know it, which makes that resource a dependency.
    mutating func resolved(_ attributes: Attributes, _ spans: SpanMap) -> Attributes {
        var result = attributes
        for (key, value) in attributes where value.containsUnknown { result[key] = resolved(value, spans, key) }
        return result
    }

    private mutating func resolved(_ value: Value, _ spans: SpanMap, _ path: String) -> Value {
        switch value {
        case .list(let items):
            return .list(items.enumerated().map { resolved($0.element, spans, "\(path).\($0.offset)") })
        case .map(let entries):
            return .map(Dictionary(uniqueKeysWithValues: entries.map { ($0, resolved($1, spans, "\(path).\($0)")) }))
        default:
            var faults: [Diagnostic] = []
            let answer = value.resolvingReferences { reference in
                guard let output = TargetOutput(reference) else { return .reference(reference) }
                switch self.value(of: output, at: spans[path]) {
                case .success(let value): return value
                case .failure(let fault):
                    faults.append(fault)
                    return .unknown
                }
            }
            diagnostics += faults
            return answer
        }
    }

    private func value(of output: TargetOutput, at span: SourceSpan) -> Result<Value, Diagnostic> {
        let machines = machines[output.target] ?? []
        let index = Int(output.machine)
        guard let machine = machines.first(where: { $0.name == output.machine }) ?? index.flatMap({ machines.at($0) })
        else {
            let near = Suggestion.didYouMean(output.machine, among: machines.map(\.name))
            let known =
                machines.isEmpty
                ? "it has none"
                : "it has `machines[0]` to `machines[\(machines.count - 1)]`, the first is `\(machines[0].name)`"
            return .failure(
                Diagnostic(
                    .unknownMachine, "the target `\(output.target)` has no machine `\(output.machine)`", at: span,
                    help: index == nil ? near.map { "did you mean `\($0)`?" } ?? known : known))
        }
        switch output.output {
        case "name": return .success(.string(machine.name))
        case "url": return .success(.reference(AttributeReference(machine.hub, "url")))
        default:
            if let address = machine.address { return .success(address) }
            return .failure(
                Diagnostic(
                    .unknownMachine, "machines of `\(output.target)` have no address to offer", at: span,
                    help: "use their `url`"))
        }
    }
}

extension ClusterExpander {
    /// The cluster with the outputs that its targets use of each other. Functions are left as they are.
    ///
    /// What a target is made of must be known before it is expanded: here an output that is known only after apply is a
    /// fault.
    /// - Throws: `DiagnosticsError`: a circle of targets, an unknown machine, an output that is not known yet.
    public func resolvingTargets(of cluster: Cluster) throws(DiagnosticsError) -> Cluster {
        let needs = cluster.targets.map { target in
            Set(target.settings.flatMap { Self.outputs(in: $0.value) }.map(\.target))
        }
        guard needs.contains(where: { !$0.isEmpty }) else { return cluster }
        let names = cluster.targets.map(\.name)
        let (order, cycle) = topologicalOrder(needs.map { $0.compactMap(names.firstIndex) })
        if !cycle.isEmpty { throw DiagnosticsError([Self.circle(cycle, cluster)]) }
        var result = cluster
        var outputs = TargetOutputs()
        var faults: [Diagnostic] = []
        let needed = needs.reduce(into: Set()) { $0.formUnion($1) }
        for index in order {
            let target = cluster.targets[index]
            result.targets[index].settings = outputs.resolved(target.settings, target.spans)
            for (key, value) in result.targets[index].settings
            where value.containsUnknown && !outputs.diagnostics.hasErrors {
                faults.append(
                    Diagnostic(
                        .invalidExpression, "`\(key)` of the target `\(target.name)` must be known before apply",
                        at: target.spans[key],
                        help: "outputs that are known only then may stand under `env` of functions"))
            }
            guard faults.isEmpty, !outputs.diagnostics.hasErrors, needed.contains(target.name),
                let provider = registry.provider(named: target.provider)
            else { continue }
            // Faults of the expansion itself are told when the cluster is expanded.
            outputs.machines[target.name] = (try? provider.expand(result.targets[index], of: result))?.machines
        }
        faults += outputs.diagnostics
        if faults.hasErrors { throw DiagnosticsError(faults) }
        return result
    }

    private static func outputs(in value: Value) -> [TargetOutput] {
        var found: [TargetOutput] = []
        value.forEachReference { if let output = TargetOutput($0) { found.append(output) } }
        return found
    }

    private static func circle(_ cycle: [Int], _ cluster: Cluster) -> Diagnostic {
        let targets = cycle.map { cluster.targets[$0] }
        let path = (targets + [targets[0]]).map { "`\($0.name)`" }.joined(separator: " needs ")
        /// Where a target uses the next one.
        func use(_ index: Int) -> SourceSpan {
            let next = targets[(index + 1) % targets.count].name
            let key = targets[index].settings.first { outputs(in: $0.value).contains { $0.target == next } }?.key
            return targets[index].spans[key ?? "name"]
        }
        return Diagnostic(
            .circular, "targets need each other in a circle: \(path)", at: use(0),
            notes: targets.indices.dropFirst().map {
                .init("`\(targets[$0].name)` needs the next one here", at: use($0))
            },
            help: "remove one of the expressions")
    }
}

extension Array {
    fileprivate func at(_ index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
