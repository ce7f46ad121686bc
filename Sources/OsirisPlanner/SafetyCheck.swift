import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// What an apply must not do, checked on the finished plan.
enum SafetyCheck {
    /// Refusals, each with the next step; empty if the plan may run.
    static func refusals(
        _ changes: [ResourceChange], mode: Plan.Mode, cluster: Cluster, recorded: Int,
        allowing overrides: SafetyOverrides = .none
    ) -> [Diagnostic] {
        var refusals: [Diagnostic] = []
        let removed = changes.filter { $0.action == .delete || $0.action == .replace }
        let patterns = cluster.safety.protect.enumerated().map { (index: $0.offset, glob: Glob($0.element)) }
        for change in removed where !overrides.protected.contains(change.address) {
            // A new name does not take the protection away.
            let names = [change.address.text, change.recordedAddress.text]
            guard let (index, glob) = patterns.first(where: { names.contains(where: $0.glob.matches) }) else {
                continue
            }
            refusals.append(
                Diagnostic(
                    .protectedResource, "`\(change.address)` is protected and would be \(change.action.rawValue)d",
                    at: cluster.safety.spans["protect.\(index)"], address: change.address.text,
                    help: """
                        it matches `\(glob.pattern)`; take that line out of the manifest if you mean it, or allow it \
                        once: --allow-protected \(change.address)
                        """))
        }
        guard mode == .apply else { return refusals }
        if let limit = cluster.safety.maxDeletes, removed.count > limit, removed.count != overrides.deletes {
            refusals.append(
                Diagnostic(
                    .deleteLimit, "the plan deletes or replaces \(removed.count) resources; the limit is \(limit)",
                    at: cluster.safety.spans["maxDeletes"],
                    help: """
                        raise `safety.maxDeletes` to \(removed.count) if you mean it, or allow it once: \
                        --allow-deletes \(removed.count)
                        """))
        }
        if cluster.targets.isEmpty && recorded > 0 {
            refusals.append(
                Diagnostic(
                    .emptyCluster, "the manifest has no targets, but the state has \(recorded) resources",
                    at: cluster.spans["targets"],
                    help: "to remove everything on purpose, run `osiris destroy` with the manifest that made it"))
        }
        return refusals
    }
}
