import OsirisDiagnostics
import OsirisManifest
import OsirisModel

extension Planner {
    /// The delete of objects that are the cluster's and in no state, in the order of any other plan and within the same
    /// limits.
    /// - Parameter recorded: how the state would have them.
    public func deletion(
        of orphans: [ResourceRecord], from cluster: Cluster, lineage: String, serial: Int,
        allowing overrides: SafetyOverrides
    ) throws -> Plan {
        var plan = try plan(
            PlanRequest(
                mode: .apply, cluster: cluster, desired: .empty, lineage: lineage, serial: serial,
                recorded: Dictionary(orphans.map { ($0.address, $0) }) { first, _ in first }, actual: [:],
                overrides: overrides))
        for index in plan.changes.indices { plan.changes[index].reason = .orphaned }
        // That of the manifest says what is wanted, and this is about what nobody knows of.
        plan.refusals.removeAll { $0.code == .emptyCluster }
        return plan
    }
}
