import ArgumentParser
import OsirisDiagnostics
import OsirisEngine
import OsirisPlanner

/// Makes what exists equal to the manifest, or runs a saved plan.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make what exists equal to the manifest.",
        discussion: """
            Without FILE: plans, asks, applies. With FILE: runs exactly that plan, or refuses if its base moved on.
            Ctrl-C once: start nothing new, finish and record what runs. Twice: cancel. Run it again to go on.

            Example: osiris apply --auto-approve -f examples/quickstart
            """)

    @Argument(help: ArgumentHelp("A plan saved with `osiris plan --out`.", valueName: "plan file"))
    var planFile: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var planning: PlanOptions
    @OptionGroup var running: RunOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Record what changed outside osiris, and change nothing that exists.")
    var refreshOnly = false

    func validate() throws {
        guard refreshOnly else { return }
        if planFile != nil { throw ValidationError("--refresh-only and a plan file contradict each other") }
        if planning.noRefresh { throw ValidationError("--refresh-only and --no-refresh contradict each other") }
        if running.report != nil { throw ValidationError("--refresh-only has nothing to report: nothing is applied") }
    }

    func run() async throws {
        let console = Console(output)
        try await console.run {
            if refreshOnly {
                let workspace = try await Workspace.open(manifest, console)
                return try await ApplyRun(workspace, console, planning, running).refreshOnly()
            }
            guard let planFile else {
                let workspace = try await Workspace.open(manifest, console)
                return try await ApplyRun(workspace, console, planning, running).run(.apply)
            }
            let file = try PlanFile.read(planFile)
            var located = manifest
            if located.files.isEmpty { located.files = file.manifestPaths }
            located.state = located.state ?? file.statePath
            let workspace = try await Workspace.open(located, console, lineage: file.plan.lineage)
            try await ApplyRun(workspace, console, planning, running).run(saved: file.plan)
        }
    }
}

/// Removes everything the cluster consists of.
struct DestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Remove everything of a cluster, in reverse order.",
        discussion: "Example: osiris destroy --auto-approve -f examples/quickstart")

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var planning: PlanOptions
    @OptionGroup var running: RunOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let workspace = try await Workspace.open(manifest, console)
            try await ApplyRun(workspace, console, planning, running).run(.destroy)
        }
    }
}
