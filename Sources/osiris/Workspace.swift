import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisState

/// A manifest and the state beside it, read and checked: where every command on a cluster begins.
struct Workspace {
    let cluster: Cluster
    let sources: [String: String]
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
        let store = options.stateStore(registry, lineage: lineage)
        let snapshot = try await store.snapshot()
        let loaded = load(options, registry, secretSalt: snapshot.lineage)
        console.report(loaded.diagnostics, sources: loaded.sources)
        guard let cluster = loaded.cluster else { throw Exit.code(for: loaded.diagnostics) }
        if let recorded = snapshot.cluster, recorded != cluster.name {
            throw DiagnosticsError([
                Diagnostic(
                    .stateOtherCluster, "the state is of cluster `\(recorded)`, the manifest of `\(cluster.name)`",
                    at: cluster.spans["metadata.name"],
                    help: "give each cluster its own folder or `--state`; a cluster cannot be renamed")
            ])
        }
        return Workspace(
            cluster: cluster, sources: loaded.sources, store: store, snapshot: snapshot, registry: registry)
    }

    /// Reads the manifest alone, without state, and expands it; shows its faults.
    /// - Throws: `ExitCode` after showing manifest faults, `DiagnosticsError` for those that expansion finds.
    static func expand(
        _ options: ClusterOptions, _ console: Console
    ) throws -> (cluster: Cluster, resources: DesiredGraph) {
        let registry = Providers.registry()
        // Nothing is compared with a state here: any salt will do.
        let loaded = load(options, registry, secretSalt: "no state")
        console.report(loaded.diagnostics, sources: loaded.sources)
        guard let cluster = loaded.cluster else { throw Exit.code(for: loaded.diagnostics) }
        do {
            return (cluster, try ClusterExpander(registry).expand(cluster))
        } catch let error as DiagnosticsError {
            console.report(error.diagnostics, sources: loaded.sources)
            throw Exit.code(for: error.diagnostics)
        }
    }

    /// Reads the manifest alone.
    private static func load(_ options: ClusterOptions, _ registry: ProviderRegistry, secretSalt: String)
        -> LoadedManifest
    {
        var variables: [String: String] = [:]
        for assignment in options.variables {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = String(parts[1])
        }
        return ManifestLoader.load(
            ManifestOptions(
                paths: options.paths, variables: variables, environment: ProcessInfo.processInfo.environment,
                standardInput: { Array(FileHandle.standardInput.readDataToEndOfFile()) }, kinds: registry.targetKinds,
                secretDigest: { clear in
                    "hmac-sha256:" + Digest.hex(Digest.hmacSHA256(key: secretSalt.utf8, clear.utf8))
                }))
    }
}

extension ClusterOptions {
    /// The state these options name. Reading it alone needs no registry and no key.
    func stateStore(_ registry: ProviderRegistry? = nil, lineage: String? = nil) -> StateStore {
        // What the provisioner generated itself it must be able to use again: only that is kept, sealed.
        let sealed = registry?.generatedSecrets ?? []
        return StateStore.open(
            path: statePath, keyText: ProcessInfo.processInfo.environment["OSIRIS_STATE_KEY"], lineage: lineage,
            sealing: { type, attribute in sealed.contains("\(type).\(attribute)") })
    }
}
