import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension HubCommand {
    struct Usage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sum up the calls of every hub's functions.",
            discussion: "Example: osiris hub usage --since 7d --by caller")

        @Option(help: "How far back, like 12h or 30d; at most 400d.")
        var since = "30d"

        @Option(help: "Sum up by function, caller (the name of the token) or hour.")
        var by = Grouping.function

        @Option(help: "Only the hub of this target.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        enum Grouping: String, ExpressibleByArgument, CaseIterable {
            case function, caller, hour
        }

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let hubs = RecordedHub.all(try await manifest.stateStore().snapshot(), in: manifest.place)
                    .filter { target == nil || $0.address.target == target! }
                let http = Providers.http
                let path = "/system/usage?by=\(by.rawValue)&from=\(try hours())h"
                var rows: [[String: Value]] = []
                for hub in hubs {
                    let answer = try await hub.call("GET", path, as: .read, over: http)
                    guard answer.status == 200, let found = answer.json?.mapValue?["rows"]?.listValue else {
                        throw Diagnostic(
                            .callFailed, "`\(hub.address)` answered \(answer.status): \(answer.problem)",
                            address: hub.address.text)
                    }
                    rows += found.compactMap(\.mapValue).map {
                        $0.merging(["target": .string(String(hub.address.target))]) { $1 }
                    }
                }
                if console.json { return console.line(Value.list(rows.map(Value.map)).prettyJSONText) }
                let keys = ["target"] + by.keys + ["calls", "errors", "seconds", "bytesIn", "bytesOut"]
                console.table(keys, rows.map { row in keys.map { Self.text(row[$0]) } })
            }
        }

        /// Whole hours of `since`, as usage is kept by the hour.
        private func hours() throws -> Int {
            let days = since.hasSuffix("d") ? Int(since.dropLast()) : nil
            let known = days.flatMap { (0...400).contains($0) ? $0 * 24 : nil }
            guard let hours = known ?? Quantities.milliseconds(since).map({ ($0 + 3_599_999) / 3_600_000 }) else {
                throw Diagnostic(.usage, "`--since \(since)` is not a duration", help: "write it like 12h or 30d")
            }
            return hours
        }

        private static func text(_ value: Value?) -> String {
            switch value {
            case .string(let text)?: text
            case .int(let number)?: String(number)
            case .double(let number)?: String((number * 1000).rounded() / 1000)
            default: "-"
            }
        }
    }
}

extension HubCommand.Usage.Grouping {
    /// The keys of a row that say what it sums up.
    fileprivate var keys: [String] { self == .function ? ["namespace", "name"] : [rawValue] }
}
