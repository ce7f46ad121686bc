import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// Carries out one operation: intent, call with retries, check of the answer, result.
struct OperationRunner: Sendable {
    let registry: ProviderRegistry
    let session: StateSession
    let owner: Ownership
    let cluster: Cluster
    let live: LiveRecords
    /// Creates that an earlier run began and nobody could settle: their tokens are used again, so nothing is doubled.
    let openCreates: [ResourceAddress: Intent]
    /// What the plan renames: where the state has it when the apply begins.
    var renaming: Set<ResourceAddress> = []
    /// Lets one move at a time write down records that others may change too.
    let relinking = Relinking()
    let retry: RetryPolicy
    let sleep: @Sendable (Duration) async throws -> Void
    /// True once nothing new may be started: a further try is something new.
    let isStopping: @Sendable () async -> Bool
    let emit: @Sendable (ApplyEvent) -> Void

    /// - Throws: `DiagnosticsError` when the operation failed; its record or its open intent says how far it came.
    func run(_ kind: PlannedOperation.Kind, _ change: ResourceChange) async throws {
        if kind == .forget {
            try await session.record(.forgotten(change.address))
            live[change.address] = nil
            return
        }
        if kind == .move { return try await move(change) }
        let record = live[change.address]
        // The old object belongs to the provider that made it, which may be another than the one that makes the new.
        let provider = kind == .delete ? record?.provider ?? change.provider : change.provider
        guard let handler = registry.handler(provider: provider, type: change.address.type) else {
            throw failure(change, "this program has no provider `\(provider)` with type `\(change.address.type)`", nil)
        }
        let open = kind == .create ? openCreates[change.address] : nil
        let planned = kind == .delete ? [:] : try resolve(change)
        let request = OperationRequest(
            cluster: cluster, address: change.address, planned: planned,
            prior: kind == .create ? [:] : record?.attributes ?? change.prior,
            ancestors: live.ancestors(kind == .delete ? record?.parent : change.parent),
            token: open?.token ?? UUID().uuidString.lowercased(), owner: owner,
            progress: { [emit] in emit(.progress(change.address, $0)) })
        let intent = Intent(
            token: request.token, address: change.address, provider: provider, type: handler.type.name,
            action: intentAction(kind), planned: planned, parent: change.parent, dependsOn: dependencies(change),
            startedAt: Date())
        if let open {
            // It is on disk already. A token stands for one request: a service answers another under it with the object
            // of the first, or with an error.
            guard open.requestDigest == intent.requestDigest else { throw otherRequest(change, open) }
        } else {
            try await session.record(.intent(intent))
        }
        do {
            let attributes = try await call(kind, handler, request)
            guard let attributes else {
                try await session.record(.succeeded(token: request.token, record: nil))
                live[change.address] = nil
                return
            }
            let applied = applied(change, provider, attributes)
            try await session.record(.succeeded(token: request.token, record: applied))
            live[change.address] = applied
            try check(change, handler.type, planned: request.planned, answered: attributes)
        } catch let error as ProviderError where error.kind == .fenced {
            // The state is another run's by now. The intent stays open for it.
            throw DiagnosticsError([.fenced(error, change.address, at: change.source)])
        } catch let error as ProviderError {
            try await recordFailure(kind, change, provider, request, error.message)
            throw failure(change, error.message, error)
        } catch is CancellationError {
            // The intent stays open: the next run finds out what became of it.
            throw failure(change, "cancelled while it ran; the next run finds out how far it came", nil)
        }
    }

    /// One provider call with its retries. Nil for a delete.
    private func call(
        _ kind: PlannedOperation.Kind, _ handler: any ResourceHandler, _ request: OperationRequest
    ) async throws -> Attributes? {
        var attempt = 0
        while true {
            attempt += 1
            do {
                switch kind {
                case .create: return try await handler.create(request)
                case .update: return try await handler.update(request)
                case .delete, .forget, .move:
                    try await handler.delete(request)
                    return nil
                }
            } catch let error as ProviderError {
                // One that is there and not finished is created again: the token makes it the answer.
                if error.kind == .answerLost, kind == .create,
                    case .exists(let landed, unfinished: nil) = try await IntentSettler(retry: retry, sleep: sleep)
                        .settle(request, handler)
                {
                    return landed
                }
                guard let delay = retry.delay(after: error.kind, attempt: attempt, jitter: .random(in: 0..<1)),
                    await !isStopping(), !session.isEnded
                else { throw error }
                emit(.retrying(request.address, reason: error.message, attempt: attempt, delay: delay))
                try await sleep(delay)
            }
        }
    }

    private func resolve(_ change: ResourceChange) throws -> Attributes {
        let resolved = change.arguments.mapValues {
            $0.resolvingReferences { live[$0.address]?.attributes[$0.attribute] ?? .unknown }
        }
        if let open = resolved.first(where: { $0.value.containsUnknown }) {
            throw failure(change, "`\(open.key)` is still unknown when it is needed", nil)
        }
        return resolved
    }

    /// A failed create leaves its intent open, because the object may exist; a failed update is marked on the record.
    private func recordFailure(
        _ kind: PlannedOperation.Kind, _ change: ResourceChange, _ provider: String, _ request: OperationRequest,
        _ message: String
    ) async throws {
        guard kind == .update, var record = live[change.address] else {
            return try await session.record(
                .failed(token: request.token, message: message, keepIntent: kind == .create))
        }
        record.incomplete = message
        try await session.record(.succeeded(token: request.token, record: record, text: message))
    }

    private func applied(_ change: ResourceChange, _ provider: String, _ attributes: Attributes) -> ResourceRecord {
        ResourceRecord(
            address: change.address, provider: provider, attributes: attributes, parent: change.parent,
            dependsOn: dependencies(change), source: change.source)
    }

    private func intentAction(_ kind: PlannedOperation.Kind) -> Intent.Action {
        switch kind {
        case .create: .create
        case .update, .move: .update
        case .delete, .forget: .delete
        }
    }

    private func dependencies(_ change: ResourceChange) -> [ResourceAddress] {
        var found = change.dependsOn
        for value in change.arguments.values {
            value.forEachReference { if !found.contains($0.address) { found.append($0.address) } }
        }
        return found
    }

    /// What was planned must be what came out; anything else is a fault of the provider.
    private func check(
        _ change: ResourceChange, _ type: ResourceType, planned: Attributes, answered: Attributes
    ) throws {
        let wrong = AttributeDiff(type.schema).arguments(before: answered, after: planned)
        guard let first = wrong.first else { return }
        throw DiagnosticsError([
            Diagnostic(
                .inconsistentResult,
                "provider `\(change.provider)` answered another `\(first.path)` for `\(change.address)` than was planned",
                at: change.source, address: change.address.text, help: "This is a bug in the provider.")
        ])
    }

    private func otherRequest(_ change: ResourceChange, _ open: Intent) -> DiagnosticsError {
        DiagnosticsError([
            Diagnostic(
                .unresolvedIntent,
                "`\(change.address)` may exist with other arguments, from a create begun "
                    + "\(open.startedAt.formatted(.iso8601)) whose answer nobody has",
                at: change.source, address: change.address.text,
                help: "run `osiris recover` when the service answers, then `osiris apply`; nothing is doubled")
        ])
    }

    func failure(_ change: ResourceChange, _ message: String, _ error: ProviderError?) -> DiagnosticsError {
        DiagnosticsError([
            Diagnostic(
                .operationFailed,
                message.contains(change.address.text) ? message : "`\(change.address)`: \(message)", at: change.source,
                address: change.address.text,
                help: error?.help ?? "run `osiris apply` again: what is done stays done")
        ])
    }
}
