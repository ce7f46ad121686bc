import Foundation
import OsirisDiagnostics

extension SharedBackend {
    func condition(of cluster: String, key: StateKey) async throws -> StateCondition {
        do {
            guard let stored = try await load() else { return .missing }
            try stored.check(cluster: cluster, key: key, location: location)
            return stored.condition(after: try await applies(limit: 1).first)
        } catch let error as DiagnosticsError where error.diagnostics.first?.code == .stateDamaged {
            return .damaged(error.diagnostics.first?.message ?? "")
        }
    }

    /// Keys of a service are not renamed: a copy of all of them could be cut off half way.
    func setDamagedAside(of cluster: String, key: StateKey, now: Date) async throws -> String? {
        guard try await condition(of: cluster, key: key).isDamaged else { return nil }
        throw DiagnosticsError([
            Diagnostic(
                .stateWrite, "the damaged state \(location) cannot be moved out of the way",
                help: "choose another prefix with --state, and run `osiris state rebuild` there")
        ])
    }
}
