import ArgumentParser
import OsirisDiagnostics
import OsirisManifest
import OsirisPlanner

/// Renames what the state has, once, where the manifest says the new name already.
struct StateMoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mv", abstract: "Rename a target, a function's or machine's resources, or one resource.",
        discussion: """
            The manifest must have the new name already. Changes the marks on what exists and the state, as an entry of
            `spec.moved` does in an apply; nothing is deleted, made or restarted.

            Example: osiris state mv fleet fleet-a -f examples/rehearsal
            """)

    @Argument(help: ArgumentHelp("The name in the state: rack-a, or rack-a/host.n1.", valueName: "from"))
    var from: String

    @Argument(help: ArgumentHelp("The name in the manifest, in the same form.", valueName: "to"))
    var to: String

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Do not ask.")
    var autoApprove = false

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let entry = MovedSpec(from: try Self.name(from), to: try Self.name(to))
            guard entry.from.kind == entry.to.kind, entry.from != entry.to else {
                throw Diagnostic(
                    .movedEntry, "\(entry.from.kind), `\(from)`, cannot become \(entry.to.kind), `\(to)`",
                    help: "give both names in the same form")
            }
            var workspace = try await Workspace.open(manifest, console)
            workspace.cluster.moved = [entry]
            let run = MadePlanRun(workspace: workspace, console: console, autoApprove: autoApprove)
            let cluster = workspace.cluster
            try await run.run("state mv", "Rename this?") { workflow, base in
                try workflow.plan(cluster, from: base).movesAlone()
            }
        }
    }

    private static func name(_ text: String) throws -> MovedSpec.Name {
        guard let name = MovedSpec.Name(text) else {
            throw Diagnostic(
                .movedEntry, "`\(text)` names neither a target, nor a function, nor a resource",
                help: "write `rack-a` for a target, `rack-a/host.n1` for a machine")
        }
        return name
    }
}
