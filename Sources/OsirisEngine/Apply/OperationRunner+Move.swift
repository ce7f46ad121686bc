import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

extension OperationRunner {
    /// Renames an object: intent, marks, then the state, in which everything that names it follows in the same write.
    /// - Throws: `DiagnosticsError`. If nobody knows whether the marks were changed, the intent stays open, and the next
    ///   apply does it again.
    func move(_ change: ResourceChange) async throws {
        guard let record = live[change.recordedAddress] else {
            throw failure(change, "`\(change.recordedAddress)` is not recorded any more", nil)
        }
        let intent = Intent.move(
            record, to: change.address, token: UUID().uuidString.lowercased(), startedAt: Date())
        try await session.record(.intent(intent))
        do {
            try await carryOut(move: intent, record)
        } catch let error as ProviderError where error.kind == .fenced {
            throw DiagnosticsError([.fenced(error, change.address, at: change.source)])
        } catch let error as ProviderError {
            // Refused for good: it has its old name.
            try await session.record(
                .failed(token: intent.token, message: error.message, keepIntent: error.kind != .rejected))
            throw failure(change, error.message, error)
        } catch is CancellationError {
            throw failure(change, "cancelled while it was renamed; the next apply finishes that first", nil)
        }
    }

    /// The call and the write of a rename that is written down. Repeating it is harmless.
    /// - Throws: `ProviderError`, `CancellationError`, and as `StateSession.record`.
    func carryOut(move intent: Intent, _ record: ResourceRecord) async throws {
        let (from, to) = (record.address, intent.address)
        guard let handler = registry.handler(provider: intent.provider, type: intent.type) else {
            throw ProviderError(
                .rejected, "\(from): this program has no provider `\(intent.provider)` with type `\(intent.type)`")
        }
        let request = OperationRequest(
            cluster: cluster, address: to, planned: [:], prior: record.attributes,
            ancestors: live.ancestors(record.parent), token: intent.token, owner: owner,
            progress: { [emit] in emit(.progress(to, $0)) })
        try await retrying(request) { try await handler.move(request, from: from) }
        try await relinking.alone(if: live.isShared(from, besides: renaming)) {
            let (moved, dependants) = live.moved(from, to: to, besides: renaming)
            try await session.record(
                .moved(token: intent.token, from: from, record: moved, dependants: dependants))
        }
    }
}

/// Keeps two renames from writing down one record at the same time, each without what the other changed in it.
actor Relinking {
    private var last: Task<Void, any Error>?

    func alone(if isShared: Bool, _ body: @escaping @Sendable () async throws -> Void) async throws {
        guard isShared else { return try await body() }
        let task = Task { [last] in
            _ = await last?.result
            try await body()
        }
        last = task
        try await task.value
    }
}
