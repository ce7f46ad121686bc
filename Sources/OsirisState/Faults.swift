import Foundation
import OsirisDiagnostics

/// The diagnostics of the state. Each names the file and the next step.
enum Fault {
    static func damaged(_ path: String, _ reason: String) -> DiagnosticsError {
        one(
            .stateDamaged, "the state \(path) is damaged: \(reason)",
            help: """
                nothing was changed; `osiris state rebuild` makes it again from what exists, or restore the file from a \
                backup
                """)
    }

    static func tooNew(_ path: String, version: Int, supported: Int = Schema.formatVersion) -> DiagnosticsError {
        one(
            .stateTooNew, "the state \(path) has format version \(version), this osiris reads up to \(supported)",
            help: "use the osiris version that wrote it, or a newer one")
    }

    static func unreadable(
        _ path: String, _ reason: String, help: String = "check that you may read and write the file and its folder"
    ) -> DiagnosticsError {
        one(.stateUnreadable, "the state \(path) cannot be used: \(reason)", help: help)
    }

    static func write(_ path: String, _ reason: String) -> DiagnosticsError {
        one(
            .stateWrite, "the state \(path) cannot be written: \(reason)",
            help: "what was recorded before is safe; make room or fix the permissions, then run the same command again")
    }

    static func filesystem(_ path: String, _ reason: String) -> DiagnosticsError {
        one(
            .stateFilesystem, "the state \(path) is on \(reason): two runs could write at once",
            help: "put it on a disk of this machine with --state PATH; to share it, keep it in etcd or S3")
    }

    static func otherCluster(_ path: String, recorded: String, wanted: String) -> DiagnosticsError {
        one(
            .stateOtherCluster,
            "the state \(path) belongs to cluster '\(recorded)', the manifest describes '\(wanted)'",
            help: "give each cluster its own state with --state")
    }

    static func moved(_ path: String, to place: String, at date: Date) -> DiagnosticsError {
        one(
            .stateMoved, "this state moved to \(place) on \(date.formatted(.iso8601)); \(path) is not used any more",
            help: "use --state \(place), set OSIRIS_STATE, or write it as `spec.state` into the manifest")
    }

    static func arriving(_ path: String) -> DiagnosticsError {
        one(
            .stateMigration, "a migration to \(path) is not finished, so the state is not used here yet",
            help: "run `osiris state migrate --to \(path)` on the old place again: it finishes what was begun")
    }

    static func migration(_ message: String, help: String) -> DiagnosticsError {
        one(.stateMigration, message, help: help)
    }

    static func otherLineage(_ path: String) -> DiagnosticsError {
        one(
            .severalLineages, "the state \(path) has resources of another lineage than what was found",
            help: "move the file away, then run `osiris state rebuild` again")
    }

    static func locked(_ path: String, by holder: LockHolder) -> DiagnosticsError {
        one(
            .stateLocked, "the state \(path) is locked by \(holder)",
            help: """
                wait for it to end; a run that was killed gives up its lock by itself (at once on its own host, after \
                \(LockRule.leaseSeconds) s elsewhere); if you are sure that it is gone: osiris unlock \(holder.id)
                """)
    }

    static func lockLost(_ path: String) -> DiagnosticsError {
        one(
            .lockLost, "another run has taken over the lock of the state \(path)",
            help: """
                this run writes nothing more; operations without a result stay open as intents, and the next \
                `osiris apply` finds out what became of them
                """)
    }

    static func isLockLost(_ error: any Error) -> Bool {
        (error as? DiagnosticsError)?.diagnostics.contains { $0.code == .lockLost } ?? false
    }

    static func key(_ message: String, help: String) -> DiagnosticsError { one(.stateKey, message, help: help) }

    static func inconsistent(_ message: String, address: String?) -> DiagnosticsError {
        DiagnosticsError([
            Diagnostic(
                .error, .inconsistentResult, message + ". This is a bug in osiris", address: address,
                help: "the operation stays open as an intent; run `osiris apply` again and report this message")
        ])
    }

    private static func one(_ code: DiagnosticCode, _ message: String, help: String) -> DiagnosticsError {
        DiagnosticsError([Diagnostic(.error, code, message, help: help)])
    }
}
