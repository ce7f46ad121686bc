import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

extension OperationRunner {
    /// Undoes the turn of a machine. All of it is written down before the first call, so that a killed run can be finished.
    /// - Returns: false if something could not be put back, and why.
    func putBack(_ work: PutBack) async -> (isWhole: Bool, faults: [Diagnostic]) {
        var faults = work.lost.map { address in
            Diagnostic(
                .putBackFailed, "`\(address)` cannot be put back: its old object was replaced or deleted",
                address: address.text, help: "mend the cause and apply, or go back in the manifest and apply")
        }
        do {
            let now = Date()
            // Recovery takes them in the order of their times.
            let intents = work.steps.enumerated().map { index, step in
                intent(of: step, at: now.addingTimeInterval(Double(index) / 1000))
            }
            for intent in intents { try await session.record(.intent(intent)) }
            for (intent, step) in zip(intents, work.steps) {
                let started = ContinuousClock.now
                if let fault = try await carryOut(intent, incomplete: step.earlier?.incomplete) {
                    faults.append(fault)
                    emit(.rollout(.notRestored(step.address, fault)))
                } else {
                    emit(.rollout(.restored(step.address, took: ContinuousClock.now - started)))
                }
            }
        } catch let error as DiagnosticsError {
            faults += error.diagnostics
        } catch {
            faults.append(
                Diagnostic(
                    .putBackFailed, "the machine was being put back when the run was cut off",
                    help: "run `osiris apply` again: it finishes that first"))
        }
        return (faults.isEmpty, faults)
    }

    private func intent(of step: PutBack.Step, at time: Date) -> Intent {
        let record = step.earlier ?? live[step.address]
        return Intent(
            token: Intent.putBackToken(UUID().uuidString.lowercased()), address: step.address,
            provider: record?.provider ?? "", type: String(step.address.type),
            action: step.earlier == nil ? .delete : .update, planned: step.earlier?.attributes ?? [:],
            parent: record?.parent, dependsOn: record?.dependsOn ?? [], startedAt: time)
    }

    /// Carries out one step that is written down, and writes down what came of it.
    /// - Parameter incomplete: what the record said about an unfinished operation before the turn.
    /// - Returns: why it could not be put back; nil if it was.
    /// - Throws: `DiagnosticsError` if the state or the place takes nothing more of this run, `CancellationError`.
    func carryOut(_ intent: Intent, incomplete: String? = nil) async throws -> Diagnostic? {
        let address = intent.address
        let record = live[address]
        do {
            guard let handler = registry.handler(provider: intent.provider, type: intent.type) else {
                throw ProviderError(
                    .rejected, "this program has no provider `\(intent.provider)` with type `\(intent.type)`")
            }
            let earlier = clear(intent.planned)
            let request = OperationRequest(
                cluster: cluster, address: address,
                planned: earlier.filter { handler.type.schema[$0.key]?.role == .argument },
                prior: record?.attributes ?? [:], ancestors: live.ancestors(record?.parent ?? intent.parent),
                token: intent.token, owner: owner, progress: { [emit] in emit(.progress(address, $0)) })
            var restored: ResourceRecord?
            if intent.action == .delete {
                try await retrying(request) { try await handler.delete(request) }
            } else {
                let attributes = try await retrying(request) { try await handler.putBack(request, to: earlier) }
                restored = ResourceRecord(
                    address: address, provider: intent.provider, attributes: attributes, parent: intent.parent,
                    dependsOn: intent.dependsOn, source: record?.source, incomplete: incomplete)
            }
            let text = restored == nil ? "put back: it was not there before" : "put back"
            try await session.record(.succeeded(token: intent.token, record: restored, text: text))
            live[address] = restored
            return nil
        } catch let error as ProviderError where error.kind == .fenced {
            throw DiagnosticsError([.fenced(error, address)])
        } catch let error as ProviderError {
            return try await giveUp(intent, error)
        }
    }

    /// Closes a step that could not be done. The next plan takes the object up.
    func giveUp(_ intent: Intent, _ error: ProviderError) async throws -> Diagnostic {
        let message = "could not be put back: \(error.message)"
        if intent.action == .update, var record = live[intent.address] {
            record.incomplete = message
            try await session.record(.succeeded(token: intent.token, record: record, text: message))
        } else {
            try await session.record(.failed(token: intent.token, message: message, keepIntent: false))
        }
        return Diagnostic(
            .putBackFailed, "`\(intent.address)` \(message)", address: intent.address.text,
            help: error.help ?? "look at it by hand; the next apply changes it to what the manifest says")
    }

    /// The attributes with the clear values of secrets that the manifest or a record still knows.
    private func clear(_ attributes: Attributes) -> Attributes {
        guard attributes.values.contains(where: \.hasForgottenSecret) else { return attributes }
        let known = cluster.clearSecrets.merging(live.clearSecrets) { mine, _ in mine }
        return attributes.mapValues { value in
            value.mappingSecrets { $0.plaintext == nil ? known[$0.digest] ?? $0 : $0 }
        }
    }

    func retrying<Answer>(
        _ request: OperationRequest, _ call: () async throws -> Answer
    ) async throws -> Answer {
        var attempt = 0
        while true {
            attempt += 1
            do { return try await call() } catch let error as ProviderError {
                guard let delay = retry.delay(after: error.kind, attempt: attempt, jitter: .random(in: 0..<1)),
                    await !isStopping(), !session.isEnded
                else { throw error }
                emit(.retrying(request.address, reason: error.message, attempt: attempt, delay: delay))
                try await sleep(delay)
            }
        }
    }
}
