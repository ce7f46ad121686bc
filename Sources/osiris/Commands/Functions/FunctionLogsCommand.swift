import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension FunctionsCommand {
    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the latest lines a function wrote, its start and its faults among them.",
            discussion: "Example: osiris functions logs demo/hello --since 10m --follow")

        @Option(help: "How many lines, 0-10000.")
        var tail = 100

        @Option(help: "Only lines of the last so long, like 10m.")
        var since: String?

        @Option(help: ArgumentHelp("Only lines of one call, by its X-Call-Id.", valueName: "id"))
        var call: String?

        @Flag(help: "Go on with new lines until Ctrl-C.")
        var follow = false

        @OptionGroup var options: FunctionOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                let query = try query(json: console.json)
                let hub = try await options.hub()
                // A day is as good as endless: a hub that ends, or a proxy, cuts it sooner.
                let answer = try await hub.call(
                    "GET", "/system/logs?" + query, as: .read, timeout: follow ? .seconds(86_400) : .seconds(60),
                    receive: { console.out($0) }, over: Providers.http)
                try options.check(answer, hub)
            }
        }

        private func query(json: Bool) throws -> String {
            guard (0...10_000).contains(tail) else {
                throw Diagnostic(.usage, "`--tail \(tail)` is not in 0-10000", help: "write it like 200")
            }
            if let since, Quantities.milliseconds(since) == nil {
                throw Diagnostic(.usage, "`--since \(since)` is not a duration", help: "write it like 10m or 1h30m")
            }
            let parts = options.function.split(separator: "/").map(String.init)
            var query: [(String, String?)] = [("namespace", parts.first), ("name", parts.last), ("tail", String(tail))]
            query += [("since", since), ("call", call)]
            query += [("format", json ? "json" : nil), ("follow", follow ? "true" : nil)]
            return query.compactMap { name, value in
                value?.addingPercentEncoding(withAllowedCharacters: .alphanumerics).map { "\(name)=\($0)" }
            }.joined(separator: "&")
        }
    }
}
