import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisState

/// A manifest and the state beside it, read and checked: where every command on a cluster begins.
struct Workspace {
    var cluster: Cluster
    let store: StateStore
    let snapshot: StateSnapshot
    let registry: ProviderRegistry

    /// Reads state and manifest; shows the manifest's faults.
    /// - Parameter lineage: identity of a state that does not exist yet, from a plan file.
    /// - Throws: `ExitCode` after showing manifest faults, `DiagnosticsError` for the state's.
    static func open(
        _ options: ClusterOptions, _ console: Console, lineage: String? = nil
    ) async throws -> Workspace {
        let registry = Providers.registry()
        let store: StateStore
        do {
            store = try options.stateStore(registry, lineage: lineage)
        } catch {
            // If the manifest is what is wrong, it is shown on its line, with its other faults.
            _ = try load(options, registry, secretSalt: "no state", console)
            throw error
        }
        let snapshot = try await console.reminding("reading the state") { try await store.snapshot() }
        let cluster = try load(options, registry, secretSalt: snapshot.lineage, console)
        if let recorded = snapshot.cluster, recorded != cluster.name {
            throw DiagnosticsError([
                Diagnostic(
                    .stateOtherCluster, "the state is of cluster `\(recorded)`, the manifest of `\(cluster.name)`",
                    at: cluster.spans["metadata.name"],
                    help: "give each cluster its own folder or `--state`; a cluster cannot be renamed")
            ])
        }
        return Workspace(
            cluster: cluster, store: store, snapshot: snapshot, registry: registry)
    }

    /// Reads the manifest alone, without state, and expands it; shows its faults.
    /// - Throws: `ExitCode` after showing manifest faults, `DiagnosticsError` for those that expansion finds.
    static func expand(
        _ options: ClusterOptions, _ console: Console
    ) throws -> (cluster: Cluster, resources: DesiredGraph) {
        let registry = Providers.registry()
        // Nothing is compared with a state here: any salt will do.
        let cluster = try load(options, registry, secretSalt: "no state", console)
        return (cluster, try ClusterExpander(registry).expand(cluster))
    }

    /// Reads the manifest, and shows its faults and warnings.
    /// - Parameter console: nil for a manifest whose faults were shown before.
    static func load(
        _ options: ClusterOptions, _ registry: ProviderRegistry, secretSalt: String, _ console: Console?
    ) throws -> Cluster {
        var variables: [String: String] = [:]
        for assignment in options.variables {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = String(parts[1])
        }
        let loaded = ManifestLoader.load(
            ManifestOptions(
                paths: options.paths, variables: variables, variableFiles: options.variableFiles,
                environment: ProcessInfo.processInfo.environment,
                standardInput: { StandardInput.bytes }, kinds: registry.targetKinds,
                secretDigest: { clear in
                    "hmac-sha256:" + Digest.hex(Digest.hmacSHA256(key: secretSalt.utf8, clear.utf8))
                }))
        console?.manifest.texts = loaded.sources
        console?.report(loaded.diagnostics)
        guard let cluster = loaded.cluster else { throw Exit.code(for: loaded.diagnostics) }
        return try ClusterExpander(registry).resolvingTargets(of: cluster)
    }
}

extension ClusterOptions {
    /// The state these options name. Reading it alone needs no registry and no key.
    /// - Throws: as `statePlace`.
    func stateStore(
        _ registry: ProviderRegistry? = nil, lineage: String? = nil
    ) throws(DiagnosticsError) -> StateStore {
        try store(in: try statePlace(), registry, lineage: lineage)
    }

    /// A state of this manifest in a place.
    func store(
        in place: StatePlace, _ registry: ProviderRegistry? = nil, lineage: String? = nil
    ) throws(DiagnosticsError) -> StateStore {
        // What the provisioner generated itself it must be able to use again: only that is kept, sealed.
        let sealed = registry?.generatedSecrets ?? []
        return try StateStore.open(
            place, keyFolder: dataFolder, environment: ProcessInfo.processInfo.environment, lineage: lineage,
            sealing: { type, attribute in sealed.contains("\(type).\(attribute)") })
    }
}
