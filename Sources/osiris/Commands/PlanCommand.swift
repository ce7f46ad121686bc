import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import OsirisRender

/// Shows what apply would do.
struct PlanCommand: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, markdown, html, dot, mermaid }

    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what apply would change, and why.",
        discussion: """
            Reads what exists, compares it with the manifest and writes nothing.

            Example: osiris plan -f examples/quickstart --out change.plan && osiris apply change.plan
            """)

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var planning: PlanOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "How to show the plan: text, json, markdown, html, dot or mermaid.")
    var format: Format = .text

    @Option(help: ArgumentHelp("Save the plan for `osiris apply FILE`.", valueName: "file"))
    var out: String?

    @Flag(help: "Exit with 2 when there are changes.")
    var detailedExitcode = false

    @Flag(help: "Plan the removal of everything.")
    var destroy = false

    func run() async throws {
        let format = output.json ? .json : format
        let console = Console(output)
        try await console.run {
            let workspace = try await Workspace.open(manifest, console)
            let base = await console.reminding("reading what exists") {
                await Workflow(workspace.registry).base(
                    workspace.snapshot, of: workspace.cluster, refresh: !planning.noRefresh)
            }
            let (workflow, mode) = (Workflow(workspace.registry), destroy ? Plan.Mode.destroy : .apply)
            let plan = try await console.reminding("looking at what would be changed") {
                // Without reading nobody is asked anything: an apply looks before it changes something.
                try planning.noRefresh
                    ? workflow.plan(
                        workspace.cluster, from: base, mode: mode, selection: planning.selection,
                        allowing: planning.overrides)
                    : await workflow.preflightedPlan(
                        workspace.cluster, from: base, mode: mode, selection: planning.selection,
                        allowing: planning.overrides)
            }
            if let holder = base.settled.isEmpty ? nil : try await workspace.store.activeRun() {
                console.sayActive(holder)
            } else if format == .text {
                console.show(base.settled)
            }
            console.show(plan, as: format, planning, nodes: format == .html ? try workspace.nodes(plan) : [])
            if let out {
                let file = PlanFile(
                    plan: plan,
                    manifestPaths: manifest.paths.map {
                        $0 == "-" ? $0 : URL(fileURLWithPath: $0).standardizedFileURL.path
                    }, statePath: try manifest.statePlace().description)
                try file.write(to: out)
                if format == .text { console.line("Saved as \(out). To run exactly this: osiris apply \(out)") }
            }
            if !plan.rootsSetAside.isEmpty { throw Exit.failed }
            if detailedExitcode && !plan.isEmpty { throw Exit.changesPending }
        }
    }
}

extension Console {
    /// Prints a plan, then its warnings and refusals.
    /// - Parameter nodes: all resources, for formats that draw them; empty to draw those of the plan.
    func show(
        _ plan: Plan, as format: PlanCommand.Format, _ options: PlanOptions,
        nodes: [GraphNode] = []
    ) {
        switch format {
        case .text:
            let verbosity: PlanText.Verbosity = options.verbose ? .verbose : options.concise ? .concise : .normal
            out(PlanText.render(plan, style: style, verbosity: verbosity, diagnostic: excerpt))
            return
        case .json: line(PlanJSON.render(plan))
        case .markdown: out(PlanMarkdown.render(plan))
        case .html: out(Page(plan, nodes: nodes, sources: manifest.texts).render(at: Date()))
        case .dot: out(GraphRender.dot(plan))
        case .mermaid: out(GraphRender.mermaid(plan))
        }
        for diagnostic in plan.faults + plan.refusals { note(DiagnosticRenderer.json(diagnostic)) }
    }
}

extension Workspace {
    /// All resources of the manifest and of a plan, as they are drawn.
    func nodes(_ plan: Plan) throws -> [GraphNode] {
        GraphNode.nodes(of: try ClusterExpander(registry).expand(cluster), plan: plan)
    }
}

extension PlanFile {
    /// Written beside and renamed, readable by the owner alone.
    func write(to path: String) throws {
        let url = URL(fileURLWithPath: path)
        do {
            try Data(encoded().json()).write(to: url, options: .atomic)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
        } catch {
            throw Diagnostic(
                .planFile, "cannot write the plan file `\(path)`: \(error.localizedDescription)",
                help: "name a file in a folder you may write to")
        }
    }

    static func read(_ path: String) throws -> PlanFile {
        let bytes: Data
        do { bytes = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
            throw Diagnostic(
                .planFile, "cannot read the plan file `\(path)`: \(error.localizedDescription)",
                help: "plan files are made with `osiris plan --out FILE`; for a manifest use `-f \(path)`")
        }
        guard let value = try? Value(json: bytes) else {
            throw Diagnostic(
                .planFile, "`\(path)` is not a plan file",
                help: "plan files are made with `osiris plan --out FILE`; for a manifest use `-f \(path)`")
        }
        return try PlanFile(decoding: value)
    }
}
