import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState

/// Moves the state to another place.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Move the state to another place, with its history.",
        discussion: """
            Copies the state under its lock, reads the copy back, and retires the old place for good: every later command
            there says where the state is. Cut off at any point, run it again with the same places.

            Exit codes: 0 moved, 4 refused: something else is there.

            Example: osiris state migrate --to s3://bucket/edge -f examples/quickstart
            """)

    @Option(
        help: ArgumentHelp("The new place: a file, or etcd://, etcds:// or s3:// and where.", valueName: "path or url"))
    var to: String

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let place = try StatePlace(to, folder: FileManager.default.currentDirectoryPath)
            let old = try manifest.stateStore()
            let new = try manifest.store(in: place)
            let moved = try await StateMove(from: old, to: new).run(arguments: Repository.argumentsWithoutValues())
            let count = moved.resources.count
            if console.json {
                let answer: Value = [
                    "resources": .int(count), "from": .string(old.location), "to": .string(new.location),
                ]
                return console.line(answer.jsonText)
            }
            console.line(
                "\(count) \(count == 1 ? "resource" : "resources") moved from \(old.location) to \(new.location).")
            console.line("From now on: --state \(place), OSIRIS_STATE, or `spec.state` in the manifest.")
        }
    }
}
