import ArgumentParser
import OsirisDiagnostics
import OsirisState

/// Takes the lock from a run that is known to be gone, for people who cannot wait for its lease to end.
struct UnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Take the state's lock from a run that is gone.",
        discussion: """
            The number is in the message that named the holder. If that run still lives after all, it can write nothing
            more. A holder that died on this machine needs no unlock, one elsewhere loses the lock after 30 s.

            Example: osiris unlock 7 -f examples/quickstart
            """)

    @Argument(help: "The lock's number.")
    var lock: Int

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let store = try manifest.stateStore()
            guard try await store.breakLock(id: lock) else {
                let holder = try await store.lockHolder()
                throw Diagnostic(
                    .stateLocked, "lock \(lock) is not held",
                    help: holder.map { "the lock is held by \($0)" } ?? "nobody holds the lock: apply can start")
            }
            console.line("Lock \(lock) is released.")
        }
    }
}
