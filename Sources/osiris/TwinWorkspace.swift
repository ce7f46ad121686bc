import Foundation
import OsirisChaos
import OsirisEngine
import OsirisManifest
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// The simulated twin of a manifest, with its own state in a scenario's folder.
struct TwinWorkspace {
    let options: ClusterOptions
    let folder: String
    /// Nil to load in silence.
    let console: Console?

    /// - Parameters:
    ///   - registry: the providers the twin is planned and applied with.
    ///   - now: the state's clock.
    func open(
        _ variant: Twin.Variant, faults: Step.Faults? = nil, _ registry: ProviderRegistry,
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws -> Workspace {
        let sealed = registry.generatedSecrets
        let store = StateStore.open(
            path: folder + "/.osiris/state.db", keyText: ProcessInfo.processInfo.environment["OSIRIS_STATE_KEY"],
            sealing: { type, attribute in sealed.contains("\(type).\(attribute)") }, now: now)
        let snapshot = try await store.snapshot()
        let providers = Providers.registry()
        let cluster = try Workspace.load(options, providers, secretSalt: snapshot.lineage, console)
        let twin = try Twin(of: cluster, providers).cluster(variant, in: folder, faults: faults)
        return Workspace(cluster: twin, store: store, snapshot: snapshot, registry: registry)
    }

    /// What a plan would still change.
    func remaining(_ phase: Phase) async throws -> [String] {
        let workspace = try await open(.wanted, Providers.registry())
        let workflow = Workflow(workspace.registry)
        let base = await workflow.base(workspace.snapshot, of: workspace.cluster)
        let plan = try workflow.plan(
            workspace.cluster, from: base, mode: phase == .remove ? .destroy : .apply)
        return (plan.changes.map(\.address) + plan.drift.map(\.address)).map(\.text)
    }
}
