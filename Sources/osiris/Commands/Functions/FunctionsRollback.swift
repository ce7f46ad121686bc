import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Goes back to a kept version.
struct FunctionsRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Deploy a kept version of a function again.",
        discussion: """
            The version gets a new number, and takes over when it is ready. For osiris this is drift: `osiris plan` shows
            it and the next apply deploys what the manifest says. Mend the manifest as well.

            Example: osiris functions rollback demo/hello --to 3
            """)

    @OptionGroup var options: FunctionsCommand.FunctionOptions

    @Option(help: "The version to go back to; default: the newest one before that worked.")
    var to: Int?

    func run() async throws {
        let console = Console(options.output)
        try await console.run {
            let hub = try await options.hub()
            let body: Value = .map(to.map { ["version": .int($0)] } ?? [:])
            let answer = try await hub.call(
                "POST", options.path("/system/rollback-function"), as: .deploy, body: body, over: Providers.http)
            try hub.check(answer, "rollback of `\(options.function)`")
            if console.json { return console.line(String(decoding: answer.body, as: UTF8.self)) }
            let version = answer.json?.mapValue?["version"]?.intValue ?? 0
            if answer.status == 200 {
                return console.line(
                    "\(options.function) has that content already: version \(version) on \(hub.address).")
            }
            console.line(
                "\(options.function) is deployed again as version \(version) on \(hub.address). "
                    + "It takes over when it is ready: osiris functions describe \(options.function)")
        }
    }
}
