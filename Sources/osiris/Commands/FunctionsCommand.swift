import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState
import OsirisTransport

/// Works with deployed functions.
struct FunctionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions", abstract: "Call deployed functions.",
        discussion: "Example: osiris functions call demo/hello --data '{\"name\":\"Ada\"}'", subcommands: [Call.self])

    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call a function through its hub and print its answer.",
            discussion: "Example: osiris functions call demo/hello --data '{\"name\":\"Ada\"}'")

        @Argument(help: ArgumentHelp("Namespace and name.", valueName: "namespace/name"))
        var function: String

        @Option(help: "JSON: an object of named parameters, or a list of positional ones. - reads standard input.")
        var data = "{}"

        @Option(help: "The target to call it on; default: the first that has it.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let snapshot = try await manifest.stateStore().snapshot()
                let hub = try hub(in: snapshot)
                let text = data == "-" ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(data.utf8)
                let body: Value
                do { body = try Value(plainJSON: text) } catch {
                    throw Diagnostic(
                        .usage, "`--data` is not JSON: \(error)", help: "write it like '{\"name\": \"Ada\"}'")
                }
                let answer = try await hub.call("POST", "/function/\(function)", body: body, over: HTTPClient())
                guard answer.status == 200 else {
                    throw Diagnostic(
                        .callFailed, "`\(function)` answered \(answer.status): \(answer.problem)",
                        address: hub.address.text)
                }
                console.line(String(decoding: answer.body, as: UTF8.self))
            }
        }

        private func hub(in snapshot: StateSnapshot) throws -> RecordedHub {
            let parts = function.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw Diagnostic(.usage, "`\(function)` is not NAMESPACE/NAME", help: "write it like demo/hello")
            }
            let found = snapshot.resources.values.filter {
                $0.address.type == "function" && (target == nil || $0.address.target == target!)
                    && $0.attributes["namespace"]?.stringValue == String(parts[0])
                    && $0.attributes["name"]?.stringValue == String(parts[1])
            }
            .sorted { $0.address < $1.address }
            for record in found {
                if let hub = record.parent.flatMap({ snapshot.resources[$0] }).flatMap(RecordedHub.init) { return hub }
            }
            throw Diagnostic(
                .noMatch, "no hub has a function `\(function)`", help: "`osiris state list '*/function.*'` lists them")
        }
    }
}
