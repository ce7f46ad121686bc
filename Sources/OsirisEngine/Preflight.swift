import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit

extension Workflow {
    /// Plans, asks the providers whether the places can take it, and plans again without those that cannot. Writes nothing.
    /// - Throws: as `plan`.
    public func preflightedPlan(
        _ cluster: Cluster, from base: PlanBase, mode: Plan.Mode = .apply, selection: Selection = .everything,
        allowing overrides: SafetyOverrides = .none
    ) async throws -> Plan {
        let plan = try plan(cluster, from: base, mode: mode, selection: selection, allowing: overrides)
        let faults = await preflight(plan, of: cluster, base)
        let serious = faults.filter { $0.effect != .warning }
        var final =
            serious.isEmpty
            ? plan
            : try self.plan(
                cluster, from: base, mode: mode, selection: selection, allowing: overrides, setAside: serious)
        let left = Set(serious.map(\.root))
        final.diagnostics += faults.filter { $0.effect == .warning && !left.contains($0.root) }.map(\.diagnostic)
        return final
    }

    /// What stands against a plan by now: all providers at once, each asked once for all that stands on roots of its own.
    public func preflight(_ plan: Plan, of cluster: Cluster, _ base: PlanBase) async -> [PreflightFault] {
        let changes = PreflightChanges(plan, base).byProvider()
        return await withTaskGroup(of: [PreflightFault].self) { group in
            for (name, changes) in changes {
                guard let provider = registry.provider(named: name) else { continue }
                group.addTask { await provider.preflight(changes, of: cluster) }
            }
            var found: [PreflightFault] = []
            for await faults in group {
                for fault in faults where !found.contains(fault) { found.append(fault) }
            }
            // Of one root in the order in which its provider tells them.
            return found.enumerated().sorted { ($0.element.root, $0.offset) < ($1.element.root, $1.offset) }
                .map(\.element)
        }
    }
}

/// What a plan is about to make or change, for the providers. Pure.
struct PreflightChanges {
    private let plan: Plan
    private let base: PlanBase
    private let byAddress: [ResourceAddress: ResourceChange]
    private let names: [ResourceAddress: ResourceAddress]

    init(_ plan: Plan, _ base: PlanBase) {
        (self.plan, self.base) = (plan, base)
        names = plan.renames
        byAddress = Dictionary(plan.changes.map { ($0.address, $0) }) { first, _ in first }
    }

    /// By the name of the provider that the root belongs to.
    func byProvider() -> [String: [PreflightChange]] {
        var found: [String: [PreflightChange]] = [:]
        for change in plan.changes {
            guard let action = PreflightChange.Action(rawValue: change.action.rawValue) else { continue }
            let root = root(of: change)
            let provider = byAddress[root]?.provider ?? base.records[root]?.provider ?? change.provider
            found[provider, default: []].append(
                PreflightChange(
                    address: change.address, root: root, action: action,
                    planned: change.arguments.mapValues { $0.resolvingReferences(known) }, prior: change.prior,
                    movedFrom: change.moved?.from))
        }
        return found
    }

    private func root(of change: ResourceChange) -> ResourceAddress {
        var root = change.address
        while let parent = byAddress[root].map(\.parent) ?? base.records[root]?.parent { root = parent }
        // What is not changed itself is recorded under its former name.
        return names[root] ?? root
    }

    /// What a reference will be, as far as it is known before apply.
    private func known(_ reference: AttributeReference) -> Value {
        if let change = byAddress[reference.address] {
            guard let value = change.arguments[reference.attribute], !value.containsUnknown else { return .unknown }
            return value
        }
        if case .present(let actual) = base.actual[reference.address] { return actual[reference.attribute] ?? .unknown }
        return base.records[reference.address]?.attributes[reference.attribute] ?? .unknown
    }
}
