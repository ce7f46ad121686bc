import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// The stages of every command, in order: settle, refresh, plan. Apply is `Applier`.
public struct Workflow: Sendable {
    let registry: ProviderRegistry
    private let parallelism: Int
    let retry: RetryPolicy
    let sleep: @Sendable (Duration) async throws -> Void
    private var settler: IntentSettler { IntentSettler(retry: retry, sleep: sleep) }

    /// - Parameter parallelism: reads that run at once.
    public init(
        _ registry: ProviderRegistry, parallelism: Int = 32, retry: RetryPolicy = RetryPolicy(),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.registry = registry
        self.parallelism = parallelism
        self.retry = retry
        self.sleep = sleep
    }

    /// Settles open intents and reads what exists. Writes nothing.
    /// - Parameter unfenced: what `fence` answered; empty for who does not hold the lock.
    public func base(
        _ snapshot: StateSnapshot, of cluster: Cluster, refresh: Bool = true, unfenced: [String: ProviderError] = [:]
    ) async -> PlanBase {
        var base = PlanBase(
            lineage: snapshot.lineage, serial: snapshot.serial, records: snapshot.resources, actual: [:], settled: [])
        // By their former names the resources of renamed targets are still recorded.
        let reading = cluster.withFormerTargets
        base.settled = await settle(snapshot, of: reading, unfenced: unfenced)
        for settled in base.settled {
            if case .landed(let record) = settled.outcome { base.records[record.address] = record }
        }
        if refresh {
            let refresher = Refresher(registry, parallelism: parallelism)
            base.actual = await refresher.refresh(
                base.records, of: reading, named: await refresher.names(snapshot, of: reading))
        }
        return base
    }

    /// Pure: asks nobody.
    /// - Parameter setAside: roots that nothing is to be changed on.
    /// - Throws: `DiagnosticsError` with every fault found.
    public func plan(
        _ cluster: Cluster, from base: PlanBase, mode: Plan.Mode = .apply, selection: Selection = .everything,
        allowing overrides: SafetyOverrides = .none, setAside: [PreflightFault] = []
    ) throws -> Plan {
        let desired = mode == .destroy ? .empty : try ClusterExpander(registry).expand(cluster)
        var plan = try Planner(registry).plan(
            PlanRequest(
                mode: mode, cluster: cluster, desired: desired, lineage: base.lineage, serial: base.serial,
                recorded: base.records, actual: base.actual, selection: selection,
                overrides: overrides, setAside: setAside))
        for settled in base.settled {
            if case .open(let diagnostic) = settled.outcome { plan.diagnostics.append(diagnostic) }
        }
        return plan
    }

    /// Writes what recovery and refresh found, before the first operation.
    public func record(_ base: PlanBase, _ plan: Plan, to session: StateSession) async throws {
        try await record(base.settled, to: session)
        // What the plan changes is recorded when it is changed: until then it stays drift.
        let changed = Set(plan.changes.map(\.recordedAddress))
        for record in base.drifted(in: plan) where !changed.contains(record.address) {
            try await session.record(.observed(record))
        }
    }

    /// Writes what became of open intents; those nobody can tell stay open.
    public func record(_ settled: [SettledIntent], to session: StateSession) async throws {
        for settled in settled {
            switch settled.outcome {
            case .landed(let record):
                try await session.record(
                    .succeeded(token: settled.intent.token, record: record, text: settled.text))
            case .closed(let why):
                try await session.record(.closed(token: settled.intent.token, text: why))
            case .open: break
            }
        }
    }

    /// Finds out what became of all open intents at once; answers oldest first. Writes nothing.
    ///
    /// They ran at the same time, so none lives on another.
    /// - Parameter unfenced: what `fence` answered; empty for who does not hold the lock.
    public func settle(
        _ snapshot: StateSnapshot, of cluster: Cluster, unfenced: [String: ProviderError] = [:]
    ) async -> [SettledIntent] {
        let intents = snapshot.intents.sorted { $0.startedAt < $1.startedAt }
        return await withTaskGroup(of: (Int, SettledIntent.Outcome).self) { group in
            for (index, intent) in intents.enumerated() {
                group.addTask {
                    (index, await settle(intent, snapshot.resources, cluster, unfenced[intent.token]))
                }
            }
            var outcomes: [Int: SettledIntent.Outcome] = [:]
            for await (index, outcome) in group { outcomes[index] = outcome }
            return intents.enumerated().map { SettledIntent(intent: $0.element, outcome: outcomes[$0.offset]!) }
        }
    }

    private func settle(
        _ intent: Intent, _ records: [ResourceAddress: ResourceRecord], _ cluster: Cluster, _ unfenced: ProviderError?
    ) async -> SettledIntent.Outcome {
        if let from = intent.movedFrom {
            return .open(
                Diagnostic(
                    .warning, .unresolvedIntent,
                    "`\(from)` was being renamed to `\(intent.address)` when its run was cut off",
                    address: intent.address.text, help: "run `osiris apply`: it finishes that first"))
        }
        if intent.isPutBack {
            return .open(
                Diagnostic(
                    .warning, .unresolvedIntent,
                    "`\(intent.address)` was being put back when its run was cut off", address: intent.address.text,
                    help: "run `osiris apply`: it finishes that first"))
        }
        guard intent.action == .create else {
            return .closed("\(intent.action.rawValue) was cut off: what is there now decides")
        }
        guard let handler = registry.handler(provider: intent.provider, type: intent.address.type) else {
            return .open(
                Diagnostic(
                    .warning, .unresolvedIntent,
                    "`\(intent.address)` may exist: this program has no provider `\(intent.provider)` to ask",
                    address: intent.address.text, help: "run the osiris that has it"))
        }
        do {
            // Not there now means nothing while the run that began it may still make it.
            if let unfenced { throw unfenced }
            let request = intent.request(records, cluster, .reading)
            switch try await settler.settle(request, handler) {
            case .doesNotExist:
                return .closed(
                    intent.failure.map { "its create failed and left nothing: \($0)" }
                        ?? "create was cut off before it took effect")
            case .exists(let attributes, let unfinished):
                return .landed(
                    ResourceRecord(
                        address: intent.address, provider: intent.provider, attributes: attributes,
                        parent: intent.parent, dependsOn: intent.dependsOn, incomplete: intent.failure ?? unfinished))
            }
        } catch {
            let help = (error as? ProviderError)?.help
            return .open(
                Diagnostic(
                    .warning, .unresolvedIntent, "`\(intent.address)` may exist: \(error)",
                    address: intent.address.text, help: help ?? "run `osiris apply` again"))
        }
    }
}
