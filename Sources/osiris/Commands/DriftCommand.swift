import ArgumentParser
import OsirisDiagnostics
import OsirisEngine
import OsirisPlanner
import OsirisRender

/// Reads what exists and says what changed outside osiris. Writes nothing, locks nothing.
struct DriftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift", abstract: "Show what changed outside osiris; reads only.",
        discussion: """
            Exit codes: 0 no drift, 1 something cannot be read, 2 drift. `osiris apply --refresh-only` records it.

            Example: osiris drift -f examples/quickstart
            """)

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let workspace = try await Workspace.open(manifest, console)
            let workflow = Workflow(workspace.registry)
            let base = await console.reminding("reading what exists") {
                await workflow.base(workspace.snapshot, of: workspace.cluster)
            }
            let plan = try workflow.plan(workspace.cluster, from: base)
            if console.json {
                console.line(PlanJSON.drift(plan))
            } else {
                console.out(PlanText.drift(plan, style: console.style))
                console.report(plan.faults)
            }
            // What cannot be read may have drifted.
            if !plan.rootsSetAside.isEmpty { throw Exit.failed }
            if !plan.drift.isEmpty { throw Exit.changesPending }
        }
    }
}
