import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Keeps a number of instances by hand.
struct FunctionsScale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Keep so many instances running until the next deployment.",
        discussion: """
            The number must be in the function's `scale`. It is forgotten with the next deployment and when the hub ends.

            Example: osiris functions scale demo/hello 3
            """)

    @OptionGroup var options: FunctionsCommand.FunctionOptions

    @Argument(help: "How many.")
    var replicas: Int

    func run() async throws {
        let console = Console(options.output)
        try await console.run {
            let hub = try await options.hub()
            let answer = try await hub.call(
                "POST", options.path("/system/scale-function"), as: .deploy, body: ["replicas": .int(replicas)],
                over: Providers.http)
            try hub.check(answer, "scaling of `\(options.function)`")
            if console.json {
                let result: Value = [
                    "hub": .string(hub.address.text), "function": .string(options.function),
                    "replicas": .int(replicas),
                ]
                return console.line(result.jsonText)
            }
            console.line(
                "\(hub.address) keeps \(replicas) instance\(replicas == 1 ? "" : "s") of \(options.function).")
        }
    }
}
