import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// Everything a plan is made from.
public struct PlanRequest: Sendable {
    public var mode: Plan.Mode
    public var cluster: Cluster
    public var desired: DesiredGraph
    public var lineage: String
    public var serial: Int
    public var recorded: [ResourceAddress: ResourceRecord]
    /// What refresh found; a missing key means "take the record for it" (`--no-refresh`).
    public var actual: [ResourceAddress: ReadResult]
    public var selection: Selection
    public var overrides: SafetyOverrides
    /// Roots that cannot take a change now: what stands on them and what depends on that is left out.
    public var setAside: [PreflightFault]
    /// When the plan is made: what ends soon is renewed.
    public var now: Date

    public init(
        mode: Plan.Mode = .apply, cluster: Cluster, desired: DesiredGraph, lineage: String, serial: Int,
        recorded: [ResourceAddress: ResourceRecord], actual: [ResourceAddress: ReadResult],
        selection: Selection = .everything, overrides: SafetyOverrides = .none, setAside: [PreflightFault] = [],
        now: Date = Date()
    ) {
        self.mode = mode
        self.cluster = cluster
        self.desired = desired
        self.lineage = lineage
        self.serial = serial
        self.recorded = recorded
        self.actual = actual
        self.selection = selection
        self.overrides = overrides
        self.setAside = setAside
        self.now = now
    }
}

/// Compares desired with actual. Pure: the same request gives the same plan.
public struct Planner: Sendable {
    private let registry: ProviderRegistry

    public init(_ registry: ProviderRegistry) { self.registry = registry }

    /// What stands on a root of which something that matters cannot be read is set aside.
    /// - Throws: `DiagnosticsError` if a selection matches nothing.
    public func plan(_ request: PlanRequest) throws -> Plan {
        let moves = try Moves(request)
        return try plan(moves.applied(to: request), moves.moves)
    }

    /// - Parameter moves: what the request has under its new address already.
    private func plan(_ request: PlanRequest, _ moves: [ResourceAddress: ResourceMove]) throws -> Plan {
        let roots = Roots(recorded: request.recorded, desired: request.desired)
        var pass = PlanningPass(
            request, registry, selected: try Self.selected(request, roots), moves: moves)
        pass.planDesired()
        pass.planRemoved()
        if pass.diagnostics.hasErrors { throw DiagnosticsError(pass.diagnostics) }
        if !pass.unreadable.isEmpty {
            // Guessing would be worse: the rest is planned again without them.
            var request = request
            request.setAside += pass.unreadableRoots(roots)
            return try plan(request, moves)
        }
        let changes = pass.changes.sorted { $0.address < $1.address }
        let actions = Dictionary(changes.map { ($0.address, $0.action) }) { first, _ in first }
        let operations = OperationGraph.build(
            changes, oldParent: { request.recorded[$0]?.parent },
            recordedNeeds: { address in
                guard let record = request.recorded[address] else { return [] }
                return record.dependsOn + (record.parent.map { [$0] } ?? [])
            },
            goesWithParent: {
                registry.handler(provider: $0.provider, type: $0.address.type)?.type.goneWithParent ?? false
                    || isTaken($0.address, actions, request.recorded)
            }, exclusive: { registry.handler(provider: $0.provider, type: $0.address.type)?.type.exclusive ?? [] })
        return Plan(
            mode: request.mode, cluster: request.cluster.name, lineage: request.lineage, serial: request.serial,
            manifestDigest: request.cluster.digest, changes: changes,
            drift: pass.drift.sorted { $0.address < $1.address }, noopCount: pass.noopCount, operations: operations,
            rollout: RolloutOrder(
                request, changes, operations, roots,
                outage: { registry.handler(provider: $0.provider, type: $0.address.type)?.type.outage ?? .init() }
            ).rollout(),
            setAside: request.setAside.enumerated()
                .sorted { ($0.element.root, $0.offset) < ($1.element.root, $1.offset) }.map(\.element),
            diagnostics: pass.diagnostics + hints(changes, request),
            refusals: SafetyCheck.refusals(
                changes, mode: request.mode, cluster: request.cluster, recorded: request.recorded.count,
                allowing: request.overrides))
    }

    private func hints(_ changes: [ResourceChange], _ request: PlanRequest) -> [Diagnostic] {
        let hints = RenameHints(changes, registry) { address in
            if case .absent = request.actual[address] { false } else { true }
        }
        let hint = hints.diagnostic(
            present: Set(request.desired.declarations.map(\.address.target)),
            recorded: Set(request.recorded.keys.map(\.target)))
        return hint.map { [$0] } ?? []
    }

    /// True if something that the old object lives on goes, and takes with it all that is on it.
    private func isTaken(
        _ address: ResourceAddress, _ actions: [ResourceAddress: Action],
        _ recorded: [ResourceAddress: ResourceRecord]
    ) -> Bool {
        var next = recorded[address]?.parent
        while let parent = next, let record = recorded[parent] {
            if registry.handler(provider: record.provider, type: parent.type)?.type.takesAllWithIt ?? false {
                return actions[parent].map { [.delete, .replace, .create].contains($0) } ?? false
            }
            next = record.parent
        }
        return false
    }

    /// The addresses that may change, or nil for all.
    private static func selected(_ request: PlanRequest, _ roots: Roots) throws -> Set<ResourceAddress>? {
        let isAll = request.selection.targets.isEmpty && request.selection.excludes.isEmpty
        if isAll && request.setAside.isEmpty { return nil }
        var desired: [ResourceAddress: [ResourceAddress]] = [:]
        for (index, declaration) in request.desired.declarations.enumerated() {
            desired[declaration.address] = request.desired.dependencies[index].map {
                request.desired.declarations[$0].address
            }
        }
        let aside = Set(request.setAside.map(\.root))
        let known = Set(desired.keys).union(request.recorded.keys)
        let setAside = known.filter { !aside.isEmpty && aside.contains(roots[$0]) }
        return try request.selection.resolve(
            setAside: setAside, desired: desired,
            recorded: request.recorded.mapValues { $0.dependsOn + ($0.parent.map { [$0] } ?? []) })
    }
}
