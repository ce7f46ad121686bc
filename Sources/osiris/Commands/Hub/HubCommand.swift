import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisRender
import OsirisState
import OsirisTransport

/// Works with running hubs.
struct HubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub", abstract: "Look at running hubs, get tokens and certificates for them, back them up.",
        discussion: "Example: osiris hub info --json",
        subcommands: [
            Info.self, Token.self, Tokens.self, Authority.self, RotateAuthority.self, Usage.self, HubAudit.self,
            HubBackup.self, HubRestore.self,
        ])

    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List hubs: where they are, whether they are ready.", discussion: "Example: osiris hub info")

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let hubs = RecordedHub.all(try await manifest.stateStore().snapshot(), in: manifest.place)
                let http = Providers.http
                var rows: [[String: Value]] = []
                // In parallel: one dead hub must not hold up the list.
                try await withThrowingTaskGroup(of: (Int, [String: Value]).self) { group in
                    for (index, hub) in hubs.enumerated() { group.addTask { (index, await Self.look(hub, http)) } }
                    var found = [[String: Value]](repeating: [:], count: hubs.count)
                    for try await (index, row) in group { found[index] = row }
                    rows = found
                }
                if console.json { return console.line(Value.list(rows.map(Value.map)).prettyJSONText) }
                // Nobody has to read a column of dashes.
                let hasTLS = rows.contains { $0["certificateExpires"]?.stringValue != nil }
                let columns =
                    ["target", "machine", "url", "ready", "version"]
                    + (hasTLS ? ["certificateExpires"] : [])
                console.table(
                    columns.map { $0 == "certificateExpires" ? "certificate expires" : $0 },
                    rows.map { row in
                        columns.map { key in
                            row[key]?.stringValue ?? row[key]?.boolValue.map { $0 ? "yes" : "no" } ?? "-"
                        }
                    })
            }
        }

        private static func look(_ hub: RecordedHub, _ http: HTTPClient) async -> [String: Value] {
            var row: [String: Value] = [
                "target": .string(String(hub.address.target)), "machine": .string(String(hub.address.name)),
                "url": .string(hub.url), "ready": false, "version": .null,
                "certificateExpires": hub.certificateExpires.map(Value.string) ?? .null,
            ]
            if let ready = try? await hub.call("GET", "/ready", as: .read, timeout: .seconds(5), over: http) {
                row["ready"] = .bool(ready.status == 200)
            }
            // What it shows, which may be newer than what is recorded.
            if let info = try? await hub.call("GET", "/system/info", as: .read, timeout: .seconds(5), over: http),
                let version = info.json?.mapValue?["version"]
            {
                row["version"] = version
                let shown = info.json?.mapValue?["certificate"]?.mapValue?["expires"]
                if let shown { row["certificateExpires"] = shown }
            }
            return row
        }
    }

    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a bearer token for a hub.",
            discussion: """
                Example: curl -H "Authorization: Bearer $(osiris hub token --role invoke)" \
                http://127.0.0.1:8080/function/demo/hello
                """)

        @Option(help: "What the token may do: admin, deploy, invoke or read.")
        var role: HubRole = .invoke

        @Option(help: "The target whose hub it is for; default: the first.")
        var target: String?

        @Option(help: "The machine whose hub it is for, as `osiris hub info` lists them; default: the first.")
        var machine: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let snapshot = try await manifest.stateStore().snapshot()
                let hub = try RecordedHub.one(snapshot, in: manifest.place, target: target, machine: machine)
                console.line(role.token(fromAdmin: hub.adminToken))
            }
        }
    }
}

extension HubRole: ExpressibleByArgument {}
