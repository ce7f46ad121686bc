import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Works with deployed functions.
struct FunctionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions", abstract: "Look at deployed functions, call, test, scale them, roll them back.",
        discussion: "Example: osiris functions call demo/hello --data '{\"name\":\"Ada\"}'",
        subcommands: [
            FunctionsList.self, FunctionsDescribe.self, Call.self, Result.self, Cancel.self, DeadLetters.self,
            Logs.self, FunctionsScale.self, FunctionsRollback.self, FunctionsTestCommand.self,
        ])

    /// Which function, on which target.
    struct FunctionOptions: ParsableArguments {
        @Argument(help: ArgumentHelp("Namespace and name.", valueName: "namespace/name"))
        var function: String

        @Option(help: "The target whose hub is asked; default: the first that has the function.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        /// The function's path in a hub's API, such as `/system/function/hello?namespace=demo`.
        /// - Parameters:
        ///   - collection: what comes before the name, such as `/system/function`.
        ///   - part: what comes after it.
        func path(_ collection: String, _ part: String = "") -> String {
            // `hub()` has seen that there are two.
            let parts = function.split(separator: "/")
            return "\(collection)/\(parts[1])\(part)?namespace=\(parts[0])"
        }

        func hub() async throws -> RecordedHub {
            try RecordedHub.of(
                function, target: target, in: try await manifest.stateStore().snapshot(), manifest: manifest.place)
        }

        /// - Throws: a `Diagnostic` with what the hub says, for any status but 200.
        func check(_ answer: HubClient.Answer, _ hub: RecordedHub) throws {
            if answer.status == 200 { return }
            throw Diagnostic(
                .callFailed, "`\(function)` answered \(answer.status): \(answer.problem)", address: hub.address.text,
                help: answer.status == 404
                    ? "`osiris functions list` shows what there is"
                    : "its log may say more: osiris functions logs \(function)")
        }
    }

    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call a function through its hub and print its answer.",
            discussion: "Example: osiris functions call demo/hello --data '{\"name\":\"Ada\"}'")

        @Option(help: "JSON: an object of named parameters, or a list of positional ones. - reads standard input.")
        var data = "{}"

        @Flag(name: .customLong("async"), help: "Do not wait: print the id of the call, which the hub makes later.")
        var isAsync = false

        @Flag(help: "With --async: wait until the call has ended, and print its answer.")
        var wait = false

        @OptionGroup var options: FunctionOptions

        func validate() throws {
            if wait && !isAsync { throw ValidationError("`--wait` is for `--async`; without it a call is waited for.") }
        }

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                let text = data == "-" ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(data.utf8)
                let body: Value
                do { body = try Value(plainJSON: text) } catch {
                    throw Diagnostic(
                        .usage, "`--data` is not JSON: \(error)", help: "write it like '{\"name\": \"Ada\"}'")
                }
                let hub = try await options.hub()
                if isAsync {
                    let call = try await AsyncCall.submit(options.function, body: body, to: hub, over: Providers.http)
                    if !wait {
                        let told = Value.map(["callId": .string(call.id)])
                        return console.line(console.json ? told.prettyJSONText : call.id)
                    }
                    try await console.reminding("waiting for the call \(call.id)") { try await call.end() }
                    return console.line(try await call.result())
                }
                let answer = try await hub.call(
                    "POST", "/function/\(options.function)", as: .invoke, body: body, over: Providers.http)
                try options.check(answer, hub)
                console.line(String(decoding: answer.body, as: UTF8.self))
            }
        }
    }
}
