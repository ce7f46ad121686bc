import ArgumentParser
import OsirisPlanner

/// Checks a manifest: no network, no credentials, no state.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a manifest and report every fault at once.",
        discussion: "Example: osiris validate -f examples/quickstart")

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        let registry = Providers.registry()
        let loaded = Workspace.load(manifest, registry, secretSalt: "validate")
        console.report(loaded.diagnostics, sources: loaded.sources)
        guard let cluster = loaded.cluster else { throw Exit.code(for: loaded.diagnostics) }
        try await console.run(sources: loaded.sources) {
            let resources = try ClusterExpander(registry).expand(cluster).declarations.count
            let answer =
                "`\(cluster.name)` is valid: \(count(cluster.targets.count, "target")), "
                + "\(count(cluster.functions.count, "function")), \(count(resources, "resource"))."
            console.json
                ? console.line("{\"valid\":true,\"resources\":\(resources)}") : console.line(answer)
        }
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
