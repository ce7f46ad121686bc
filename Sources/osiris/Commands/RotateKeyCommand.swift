import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState

/// Seals what the state keeps sealed under a new key.
struct RotateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key", abstract: "Seal the state's secrets under a new key.",
        discussion: """
            Makes a new key file in place of the old one. With OSIRIS_STATE_KEY set, the new key is taken from
            OSIRIS_STATE_KEY_NEXT; set OSIRIS_STATE_KEY to it afterwards. Cut off, it is finished by running it again.

            Example: osiris state rotate-key -f examples/quickstart
            """)

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let store = try manifest.stateStore(Providers.registry())
            guard let cluster = try await store.snapshot(unsealing: false).cluster else {
                throw Diagnostic(
                    .noMatch, "there is no state in \(store.location)", help: "the first apply makes one, and its key")
            }
            let session = try await store.begin(
                RunDescription(
                    operation: "state rotate-key", cluster: cluster, arguments: Repository.argumentsWithoutValues()))
            let count: Int
            do {
                count = try await session.rotateKey(try await store.snapshot())
            } catch {
                try? await session.end(.failed)
                throw error
            }
            try await session.end(.succeeded)
            if console.json { return console.line(Value.map(["resealed": .int(count)]).jsonText) }
            console.line("\(count) \(count == 1 ? "record is" : "records are") sealed under the new key.")
            if count > 0 { console.line("The next `osiris apply` renews what hubs keep sealed under the old one.") }
            if ProcessInfo.processInfo.environment["OSIRIS_STATE_KEY"] != nil {
                console.line("Set OSIRIS_STATE_KEY to the new key now, everywhere it is used.")
            }
        }
    }
}
