import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisState

extension Workflow {
    /// Puts back what a killed run was putting back, in its order, under the lock and before anything is planned.
    ///
    /// Each such intent is closed then, whatever came of it: what could not be put back is marked, and the next plan takes
    /// it up.
    /// - Parameter unfenced: what `fence` answered; nothing is called where the run before can still act.
    /// - Returns: what came of each, for people.
    /// - Throws: `DiagnosticsError` if the state takes nothing more of this run.
    public func finishPutBacks(
        _ snapshot: StateSnapshot, of cluster: Cluster, by session: StateSession, unfenced: [String: ProviderError]
    ) async throws -> [SettledIntent] {
        let intents = snapshot.intents.filter(\.isPutBack).sorted { $0.startedAt < $1.startedAt }
        let runner = OperationRunner(
            registry: registry, session: session, owner: Ownership(session, lineage: snapshot.lineage),
            cluster: cluster, live: LiveRecords(snapshot.resources), openCreates: [:], retry: retry, sleep: sleep,
            isStopping: { false }, emit: { _ in })
        var settled: [SettledIntent] = []
        for intent in intents {
            let fault: Diagnostic?
            if let error = unfenced[intent.token] {
                fault = try await runner.giveUp(intent, error)
            } else {
                fault = try await runner.carryOut(intent)
            }
            settled.append(
                SettledIntent(
                    intent: intent,
                    outcome: .closed(
                        fault?.message ?? "put back, as the run that was cut off had begun: its machine had failed")))
        }
        return settled
    }
}
