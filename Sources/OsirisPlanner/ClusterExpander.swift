import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// Turns a cluster into resources: each provider expands its targets, then functions are placed on the machines.
public struct ClusterExpander: Sendable {
    let registry: ProviderRegistry

    public init(_ registry: ProviderRegistry) { self.registry = registry }

    /// - Throws: `DiagnosticsError` with the faults of all targets.
    public func expand(_ cluster: Cluster) throws -> DesiredGraph {
        var declarations: [ResourceDeclaration] = []
        var diagnostics: [Diagnostic] = []
        var shared = Set<ResourceAddress>()
        var domains: [ResourceAddress: String] = [:]
        var expansions: [(target: Target, expansion: Expansion)] = []
        for target in cluster.targets {
            guard let provider = registry.provider(named: target.provider) else {
                diagnostics.append(
                    Diagnostic(
                        .unknownProvider, "there is no provider `\(target.provider)`",
                        at: target.spans["provider"],
                        help: "providers: \(registry.targetKinds.map(\.provider).joined(separator: ", "))"))
                continue
            }
            do {
                expansions.append((target, try provider.expand(target, of: cluster)))
            } catch let error as DiagnosticsError {
                diagnostics += error.diagnostics
            }
        }
        if diagnostics.hasErrors { throw DiagnosticsError(diagnostics) }
        var outputs = TargetOutputs()
        for (target, expansion) in expansions { outputs.machines[target.name] = expansion.machines }
        // The arguments of a function are made once and shared by all machines it is placed on.
        let functions = cluster.functions.map { spec in
            (spec: spec, arguments: outputs.resolved(FunctionResource.arguments(spec), spec.spans))
        }
        var placed = Set<Int>()
        for (target, expansion) in expansions {
            declarations += expansion.shared.filter { shared.insert($0.address).inserted }
            declarations += expansion.resources
            for machine in expansion.machines {
                domains[machine.hub] = machine.domain
                let labels = target.labels.merging(machine.labels) { $1 }
                for (index, (spec, arguments)) in functions.enumerated() where spec.runs(on: target.name, labels) {
                    placed.insert(index)
                    declarations.append(
                        ResourceDeclaration(
                            address: ResourceAddress(
                                target: target.name, type: FunctionResource.type.name,
                                name: "\(machine.name).\(spec.namespace).\(spec.name)"),
                            provider: machine.functionProvider, attributes: arguments, parent: machine.hub,
                            spans: spec.spans))
                }
            }
        }
        diagnostics = outputs.diagnostics
        for (index, (spec, _)) in functions.enumerated() where !spec.placementLabels.isEmpty && !placed.contains(index)
        {
            diagnostics.append(Self.nowhere(spec, expansions))
        }
        if diagnostics.hasErrors { throw DiagnosticsError(diagnostics) }
        let desired = try DesiredGraph(linking: declarations, domains: domains)
        let faults = MovedNames.faults(of: cluster, in: desired)
        if !faults.isEmpty { throw DiagnosticsError(faults) }
        return desired
    }

    private static func nowhere(
        _ function: FunctionSpec, _ expansions: [(target: Target, expansion: Expansion)]
    ) -> Diagnostic {
        func text(_ labels: [String: String]) -> [String] { labels.map { "\($0.key): \($0.value)" }.sorted() }
        let wanted = text(function.placementLabels)
        let known = Set(
            expansions.flatMap { target, expansion in
                expansion.machines.flatMap { text(target.labels.merging($0.labels) { $1 }) }
            }
        ).sorted()
        let near = wanted.filter { !known.contains($0) }.compactMap { Suggestion.didYouMean($0, among: known) }.first
        return Diagnostic(
            .unknownMachine, "no machine has the labels `\(wanted.joined(separator: ", "))`",
            at: function.spans["placement.labels"],
            help: near.map { "did you mean `\($0)`?" }
                ?? (known.isEmpty ? "no target has `labels`" : "there are: \(known.joined(separator: ", "))"))
    }
}

extension FunctionSpec {
    fileprivate func runs(on target: String, _ labels: [String: String]) -> Bool {
        (placement?.contains(target) ?? true) && placementLabels.allSatisfy { labels[$0.key] == $0.value }
    }
}

/// The providers this program was built with, by name.
public struct ProviderRegistry: Sendable {
    public let providers: [any Provider]
    private let handlers: [String: any ResourceHandler]

    /// - Precondition: no two providers share a name, no provider has two handlers of one type.
    public init(_ providers: [any Provider]) {
        self.providers = providers
        var handlers: [String: any ResourceHandler] = [:]
        for provider in providers {
            for handler in provider.handlers {
                let earlier = handlers.updateValue(handler, forKey: "\(provider.name)/\(handler.type.name)")
                precondition(earlier == nil, "\(provider.name) handles \(handler.type.name) twice")
            }
        }
        self.handlers = handlers
    }

    public var targetKinds: [TargetKind] { providers.compactMap(\.targetKind) }

    public func provider(named name: String) -> (any Provider)? { providers.first { $0.name == name } }

    /// `TYPE.ATTRIBUTE` of every secret that a provider generates, such as a hub's token.
    public var generatedSecrets: Set<String> {
        var found = Set<String>()
        for handler in handlers.values {
            for field in handler.type.schema.fields where field.secret && field.role == .computed {
                found.insert("\(handler.type.name).\(field.name)")
            }
        }
        return found
    }

    /// The handler for a type of a provider, or nil if this program has none.
    public func handler(provider: String, type: some StringProtocol) -> (any ResourceHandler)? {
        handlers["\(provider)/\(type)"]
    }
}
