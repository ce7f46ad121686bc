import OsirisPlanner
import OsirisState

extension Workflow {
    /// Writes what changed outside osiris into the state, and nothing else anywhere: what is there as it is now, and that
    /// what is gone is gone, with all that lived on it.
    /// - Throws: `DiagnosticsError`, as `StateSession.record`.
    public func recordDrift(_ base: PlanBase, _ plan: Plan, to session: StateSession) async throws {
        try await record(base.settled, to: session)
        for record in base.drifted(in: plan) {
            try await session.record(.observed(record, text: "as found by a refresh"))
        }
        // What is gone is not renamed.
        for drift in plan.drift where drift.gone {
            try await session.record(.forgotten(drift.address, text: "found gone by a refresh"))
        }
    }
}
