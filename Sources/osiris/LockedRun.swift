import ArgumentParser
import OsirisDiagnostics
import OsirisEngine
import OsirisState

extension Workspace {
    /// Holds the state's lock and listens to signals while `body` runs; the history row says how it ended.
    /// - Parameter operation: what the lock's holder is called for others.
    func locked(
        _ operation: String, _ control: ApplyControl, _ body: (StateSession, StateSnapshot) async throws -> Void
    ) async throws {
        let signals = StopSignals(control)
        defer { signals.end() }
        let session = try await store.begin(
            RunDescription(
                operation: operation, cluster: cluster.name, commit: Repository.commit(of: cluster),
                arguments: Repository.argumentsWithoutValues()))
        do {
            let present = try await store.snapshot()
            // Digests of secrets are salted with the lineage: they must be those of the state that is written.
            if present.lineage != snapshot.lineage {
                throw Diagnostic(
                    .stalePlan, "another run has made the state at this very moment", help: "run this again")
            }
            try await body(session, present)
        } catch {
            // What ended the run is what the user must see, not a second fault of closing.
            try? await session.end((error as? ExitCode) == Exit.interrupted ? .interrupted : .failed)
            throw error
        }
        try await session.end(.succeeded)
    }
}
