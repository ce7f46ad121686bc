import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisState

extension Workflow {
    /// Carries out again what a killed run was renaming, in its order, under the lock and before anything is planned: its
    /// object may have either name.
    ///
    /// One that cannot be carried out now stays open, for the next apply.
    /// - Returns: what came of each, for people.
    /// - Throws: `DiagnosticsError` if the state or a place takes nothing more of this run.
    public func finishMoves(
        _ snapshot: StateSnapshot, of cluster: Cluster, by session: StateSession
    ) async throws -> [SettledIntent] {
        let intents = snapshot.intents.filter { $0.movedFrom != nil }.sorted { $0.startedAt < $1.startedAt }
        if intents.isEmpty { return [] }
        let runner = OperationRunner(
            registry: registry, session: session, owner: Ownership(session, lineage: snapshot.lineage),
            cluster: cluster.withFormerTargets, live: LiveRecords(snapshot.resources), openCreates: [:], retry: retry,
            sleep: sleep, isStopping: { false }, emit: { _ in })
        var settled: [SettledIntent] = []
        for intent in intents {
            settled.append(SettledIntent(intent: intent, outcome: try await finish(intent, runner)))
        }
        return settled
    }

    private func finish(_ intent: Intent, _ runner: OperationRunner) async throws -> SettledIntent.Outcome {
        guard let record = intent.movedFrom.flatMap({ runner.live[$0] }) else {
            let text = "its rename is done or needless"
            try await runner.session.record(.closed(token: intent.token, text: text))
            return .closed(text)
        }
        do {
            try await runner.carryOut(move: intent, record)
            return .closed("renamed from \(record.address), as the run that was cut off had begun")
        } catch let error as ProviderError where error.kind == .fenced {
            throw DiagnosticsError([.fenced(error, intent.address)])
        } catch let error as ProviderError {
            return .open(
                Diagnostic(
                    .warning, .unresolvedIntent,
                    "`\(record.address)` was being renamed to `\(intent.address)`: \(error.message)",
                    address: intent.address.text, help: error.help ?? "run `osiris apply` again"))
        }
    }
}

extension Refresher {
    /// What a killed run was renaming and has its new name already, by the recorded address. Only reads.
    func names(_ snapshot: StateSnapshot, of cluster: Cluster) async -> [ResourceAddress: ResourceAddress] {
        var names: [ResourceAddress: ResourceAddress] = [:]
        for intent in snapshot.intents.sorted(by: { $0.startedAt < $1.startedAt }) {
            guard let from = intent.movedFrom, let record = snapshot.resources[from],
                let handler = registry.handler(provider: record.provider, type: from.type)
            else { continue }
            var ancestors: [Attributes] = []
            var next = record.parent
            while let parent = next.flatMap({ snapshot.resources[$0] }) {
                ancestors.append(parent.attributes)
                next = parent.parent
            }
            func isThere(_ address: ResourceAddress) async -> Bool {
                let request = ReadRequest(address: address, recorded: record.attributes, ancestors: ancestors)
                if case .present = await handler.read([request], of: cluster)[0] { return true }
                return false
            }
            if await !isThere(from), await isThere(intent.address) { names[from] = intent.address }
        }
        return names
    }
}
