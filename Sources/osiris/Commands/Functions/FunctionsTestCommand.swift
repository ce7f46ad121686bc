import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisRender
import OsirisTransport

/// Runs the tests that functions carry in their source.
struct FunctionsTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the tests of functions on a hub of their own, without touching a target.",
        discussion: """
            Each function of the manifest with a folder `tests` in its source is deployed to a hub that is started for it \
            and gone afterwards. Exits with 1 if a test failed.

            Example: osiris functions test demo/hello -f examples/quickstart
            """)

    @Argument(help: ArgumentHelp("Only these functions; default: all with tests.", valueName: "namespace/name"))
    var functions: [String] = []

    @Option(help: ArgumentHelp("Only cases whose name has this in it.", valueName: "text"))
    var filter: String?

    @Option(help: ArgumentHelp("Also write the results as JUnit XML.", valueName: "file"))
    var junit: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let started = ContinuousClock.now
            let (cluster, _) = try Workspace.expand(manifest, console)
            let groups = try groups(of: cluster, console)
            var results: [FunctionTestResult] = []
            if !groups.isEmpty {
                let http = Providers.http
                let hub = try await TemporaryHub.start()
                guard let handler = Providers.registry().handler(provider: "hub", type: FunctionResource.type.name)
                else {
                    preconditionFailure("No provider of this program deploys functions.")
                }
                let run = FunctionTestRun(
                    cluster: cluster, hub: hub, handler: handler, http: http, filter: filter)
                results = await console.reminding("running the tests") {
                    await run.run(groups) { result in
                        if !console.json { console.out(FunctionTestReport.text(result, style: console.style)) }
                    }
                }
                await hub.stop()
            }
            if let junit {
                try Data(FunctionTestReport.junit(results).utf8).write(to: URL(fileURLWithPath: junit))
            }
            if console.json {
                console.line(FunctionTestReport.json(results).prettyJSONText)
            } else if results.isEmpty {
                console.line(
                    filter.map { "no test has `\($0)` in its name" }
                        ?? "no tests; a function's tests are in the folder `tests` of its source")
            } else {
                let seconds = (ContinuousClock.now - started).components.seconds
                console.line("\(FunctionTestReport.summary(results)) (\(seconds) s)")
            }
            if results.contains(where: { !$0.passed }) { throw Exit.failed }
        }
    }

    /// Reads the cases of the chosen functions; shows all faults in them.
    private func groups(of cluster: Cluster, _ console: Console) throws -> [FunctionTestGroup] {
        let known = cluster.functions.map { "\($0.namespace)/\($0.name)" }
        if let unknown = functions.first(where: { !known.contains($0) }) {
            throw Diagnostic(
                .noMatch, "the manifest has no function `\(unknown)`",
                help: known.isEmpty ? nil : "its functions: \(known.joined(separator: ", "))")
        }
        var groups: [FunctionTestGroup] = []
        var faults: [Diagnostic] = []
        for (function, label) in zip(cluster.functions, known) where functions.isEmpty || functions.contains(label) {
            guard let source = function.sourceFolder else { continue }
            let reader = FunctionTestReader(
                source: source, shown: shown(source), environment: ProcessInfo.processInfo.environment)
            console.manifest.texts.merge(reader.sources) { $1 }
            faults += reader.diagnostics
            let cases = reader.cases.filter { test in filter.map(test.name.contains) ?? true }
            groups += FunctionTestGroup.groups(of: function, cases)
        }
        guard faults.isEmpty else { throw DiagnosticsError(faults) }
        return groups
    }

    /// The tests' folder as the user would write it.
    private func shown(_ source: String) -> String {
        let current = FileManager.default.currentDirectoryPath + "/"
        let path = source.hasPrefix(current) ? String(source.dropFirst(current.count)) : source
        return "\(path)/\(SourceTree.testsFolder)"
    }
}
