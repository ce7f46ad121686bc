import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Takes everything a hub keeps into a file.
struct HubBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save everything a hub keeps into one sealed file.",
        discussion: """
            The file holds the functions with their kept versions, their files and their secrets, sealed with the state's
            key: keep that key as long as the backup.

            Example: osiris hub backup -o edge.backup --target here
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to; a file there is replaced.", valueName: "file"))
    var output: String

    @Option(help: "The target whose hub it is; default: the first.")
    var target: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        let console = Console(display)
        try await console.run {
            let store = try manifest.stateStore()
            let hub = try RecordedHub.one(try await store.snapshot(), in: manifest.place, target: target)
            guard let key = try await store.existingKey() else {
                throw Diagnostic(.stateKey, "the state has no key to seal a backup with", help: "apply the hub first")
            }
            let writer = try SealedBackup.Writer(output, key: key)
            let answer = try await console.reminding("receiving the backup") {
                try await hub.talking { client in
                    try await client.call("GET", "/system/backup", timeout: .seconds(3600)) { try writer.add($0) }
                }
            }
            try hub.check(answer, "backup")
            let size = try writer.finish()
            if console.json {
                let result: Value = [
                    "file": .string(output), "hub": .string(hub.address.text), "bytes": .int(size),
                ]
                return console.line(result.jsonText)
            }
            console.line("\(hub.address) is saved in \(output): \(Quantities.format(bytes: size)) before sealing.")
        }
    }
}
