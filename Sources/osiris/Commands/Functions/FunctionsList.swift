import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Lists what the hubs have, which may be more than osiris deployed.
struct FunctionsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the functions of all hubs, as the hubs say.",
        discussion: """
            Exit codes: 0 all hubs answered, 1 one did not.

            Example: osiris functions list --target here
            """)

    @Option(help: "Only hubs of this target; default: all.")
    var target: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let snapshot = try await manifest.stateStore().snapshot()
            let hubs = RecordedHub.all(snapshot, in: manifest.place).filter {
                target == nil || $0.address.target == target!
            }
            // A target that is misspelt must not look like one without functions.
            if hubs.isEmpty, target != nil { _ = try RecordedHub.one(snapshot, in: manifest.place, target: target) }
            let http = Providers.http
            var found = [Result<[Value], Diagnostic>](repeating: .success([]), count: hubs.count)
            // In parallel: one dead hub must not hold up the list.
            await withTaskGroup(of: (Int, Result<[Value], Diagnostic>).self) { group in
                for (index, hub) in hubs.enumerated() { group.addTask { (index, await Self.functions(of: hub, http)) } }
                for await (index, result) in group { found[index] = result }
            }
            let rows = found.flatMap { (try? $0.get()) ?? [] }
            if console.json {
                console.line(Value.list(rows).prettyJSONText)
            } else {
                let columns = ["target", "function", "version", "state", "ready", "calls"]
                console.table(columns, rows.map(Self.texts))
            }
            let failures = found.compactMap { result in
                if case .failure(let diagnostic) = result { diagnostic } else { nil }
            }
            if !failures.isEmpty { throw DiagnosticsError(failures) }
        }
    }

    private static func functions(of hub: RecordedHub, _ http: HTTPClient) async -> Result<[Value], Diagnostic> {
        do {
            let answer = try await hub.call("GET", "/system/functions", as: .read, timeout: .seconds(10), over: http)
            try hub.check(answer, "list")
            return .success(
                (answer.json?.listValue ?? []).map { function in
                    var fields = function.mapValue ?? [:]
                    fields["target"] = .string(String(hub.address.target))
                    fields["hub"] = .string(hub.address.text)
                    return .map(fields)
                })
        } catch let diagnostic as Diagnostic {
            return .failure(diagnostic)
        } catch {
            return .failure(Diagnostic(.hubUnreachable, "`\(hub.address)` was not asked: \(error)"))
        }
    }

    private static func texts(_ function: Value) -> [String] {
        let fields = function.mapValue ?? [:]
        func text(_ name: String) -> String {
            fields[name]?.stringValue ?? fields[name]?.intValue.map(String.init) ?? "-"
        }
        let (version, serving) = (text("version"), text("servingVersion"))
        return [
            text("target"), "\(text("namespace"))/\(text("name"))",
            serving == version ? version : "\(version) (\(serving) serves)", text("state"),
            "\(text("availableReplicas"))/\(text("replicas"))", text("invocationCount"),
        ]
    }
}
