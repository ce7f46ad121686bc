import ArgumentParser

/// Checks a manifest: no network, no credentials, no state.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a manifest and report every fault at once.",
        discussion: "Example: osiris validate -f examples/quickstart")

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let (cluster, graph) = try Workspace.expand(manifest, console)
            let resources = graph.declarations.count
            if console.json {
                console.line("{\"valid\":true,\"resources\":\(resources)}")
            } else {
                console.line(
                    "`\(cluster.name)` is valid: \(count(cluster.targets.count, "target")), "
                        + "\(count(cluster.functions.count, "function")), \(count(resources, "resource")).")
            }
        }
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
