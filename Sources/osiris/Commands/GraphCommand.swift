import ArgumentParser
import OsirisRender

/// Draws the resources of a manifest and what they need.
struct GraphCommand: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case dot, mermaid }

    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Draw the resources of a manifest and what each needs.",
        discussion: "Example: osiris graph -f examples/quickstart | dot -Tsvg > cluster.svg")

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "dot or mermaid.")
    var format: Format = .dot

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let nodes = GraphNode.nodes(of: try Workspace.expand(manifest, console).resources)
            if console.json { return console.line(GraphRender.json(nodes).prettyJSONText) }
            console.out(format == .dot ? GraphRender.dot(nodes) : GraphRender.mermaid(nodes))
        }
    }
}
