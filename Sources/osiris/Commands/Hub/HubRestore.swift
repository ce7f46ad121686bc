import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Brings a backup back into a hub.
struct HubRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put the functions of a backup into a hub: all of them or none.",
        discussion: """
            The hub checks the whole backup before it changes anything. Its audit log stays and tells of the restore.

            Exit codes: 0 restored, 4 refused: the hub has functions, and --force is not given.

            Example: osiris hub restore edge.backup --target here
            """)

    @Argument(help: "A file that `osiris hub backup` made.")
    var file: String

    @Flag(help: "Remove the functions that the hub has now.")
    var force = false

    @Option(help: "The target whose hub it is; default: the first.")
    var target: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let store = try manifest.stateStore()
            let hub = try RecordedHub.one(try await store.snapshot(), in: manifest.place, target: target)
            let reader = try SealedBackup.Reader(file, keys: try await store.keys())
            let answer = try await console.reminding("restoring the backup") {
                try await hub.talking { client in
                    try await client.upload(
                        "/system/restore\(force ? "?force=true" : "")",
                        HTTPUpload(size: reader.size) { try reader.next($0) }, timeout: .seconds(3600))
                }
            }
            if answer.status == 409, answer.code == "not_empty" {
                throw Diagnostic(
                    .hubNotEmpty, "`\(hub.address)` has functions, which a restore would remove",
                    address: hub.address.text, help: "back it up first, then repeat with --force")
            }
            try hub.check(answer, "restore")
            if console.json { return console.out(String(decoding: answer.body, as: UTF8.self) + "\n") }
            let count = answer.json?.mapValue?["functions"]?.intValue ?? 0
            console.line("\(hub.address) has the \(count == 1 ? "1 function" : "\(count) functions") of \(file).")
        }
    }
}
