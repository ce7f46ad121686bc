import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisState

extension Workflow {
    /// Shuts out the runs before this one, which may be asleep and not gone: makes the place of every operation they left
    /// open refuse them. Asked under the lock, before anything is settled.
    ///
    /// An open intent is all that such a run can still carry out: whatever it begins besides, it first writes to the
    /// state, which refuses it.
    /// - Returns: by token, why the place of an intent could not be asked. The run before can still act there.
    /// - Throws: `DiagnosticsError` OSR0405 if it is this run that is too late.
    public func fence(
        _ snapshot: StateSnapshot, of cluster: Cluster, by session: StateSession
    ) async throws -> [String: ProviderError] {
        let owner = Ownership(session, lineage: snapshot.lineage)
        let failures = await withTaskGroup(of: (String, ProviderError?).self) { group in
            // A rename that was cut off is carried out again, before anything else, and tells its place then.
            for intent in snapshot.intents where intent.movedFrom == nil {
                guard let handler = registry.handler(provider: intent.provider, type: intent.address.type) else {
                    continue
                }
                let request = intent.request(snapshot.resources, cluster.withFormerTargets, owner)
                group.addTask {
                    do {
                        try await handler.fence(request)
                        return (intent.token, nil)
                    } catch {
                        return (intent.token, error as? ProviderError ?? ProviderError(.transient, "\(error)"))
                    }
                }
            }
            return await group.reduce(into: [String: ProviderError]()) { $0[$1.0] = $1.1 }
        }
        if let late = failures.values.first(where: { $0.kind == .fenced }) {
            throw DiagnosticsError([.fenced(late)])
        }
        return failures
    }
}

extension Intent {
    /// The question about this operation, in the words of a provider.
    func request(
        _ records: [ResourceAddress: ResourceRecord], _ cluster: Cluster, _ owner: Ownership
    ) -> OperationRequest {
        let record = action == .create ? nil : records[address]
        var ancestors: [Attributes] = []
        var next = record?.parent ?? parent
        while let found = next.flatMap({ records[$0] }) {
            ancestors.append(found.attributes)
            next = found.parent
        }
        return OperationRequest(
            cluster: cluster, address: address, planned: planned, prior: record?.attributes ?? [:],
            ancestors: ancestors, token: token, owner: owner,
            isCutOff: action == .create && failure == nil)
    }
}

extension Ownership {
    /// The run that holds the lock.
    init(_ session: StateSession, lineage: String) {
        self.init(lineage: lineage, fencing: session.fencing, key: { try await session.sealingKey() })
    }
}

extension Diagnostic {
    /// A place refused this run because a later one was there.
    static func fenced(_ error: ProviderError, _ address: ResourceAddress? = nil, at source: SourceSpan? = nil) -> Self
    {
        Diagnostic(
            .lockLost, error.message, at: source, address: address?.text,
            help: error.help ?? "this run changes nothing more; see who applies now: osiris state history")
    }
}
