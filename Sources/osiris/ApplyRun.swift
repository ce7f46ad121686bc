import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisRender
import OsirisState

/// One apply or destroy from the lock to the summary: the calls in order, no decisions of its own.
struct ApplyRun {
    private let workspace: Workspace
    private let console: Console
    private let planning: PlanOptions
    private let running: RunOptions
    private let workflow: Workflow

    init(_ workspace: Workspace, _ console: Console, _ planning: PlanOptions, _ running: RunOptions) {
        self.workspace = workspace
        self.console = console
        self.planning = planning
        self.running = running
        workflow = Workflow(workspace.registry)
    }

    /// Plans, asks, applies.
    func run(_ mode: Plan.Mode) async throws {
        try await locked(mode.rawValue) { session, snapshot in
            let base = await workflow.base(snapshot, of: workspace.cluster, refresh: !planning.noRefresh)
            let plan = try workflow.plan(
                workspace.cluster, from: base, mode: mode,
                selection: Selection(targets: planning.target, excludes: planning.exclude))
            try await execute(plan, base, session)
        }
    }

    /// Runs a saved plan, if the state is still the one it was made from.
    func run(saved plan: Plan) async throws {
        try await locked("apply") { session, snapshot in
            let moved: String? =
                if plan.lineage != snapshot.lineage {
                    "it was made from another state"
                } else if plan.serial != snapshot.serial {
                    "the state has changed since (it was at \(plan.serial), now \(snapshot.serial))"
                } else if plan.manifestDigest != workspace.cluster.digest {
                    "the manifest, a function's source or a variable has changed since"
                } else {
                    nil
                }
            if let moved {
                throw Diagnostic(
                    .stalePlan, "the plan is stale: \(moved)", help: "make a new one with `osiris plan --out FILE`")
            }
            let base = await workflow.base(snapshot, of: workspace.cluster, refresh: true)
            // Facts that the plan was made from may have moved too; only what it touches matters.
            if let changed = base.firstMovedFact(of: plan) {
                throw Diagnostic(
                    .stalePlan, "the plan is stale: `\(changed)` has changed outside osiris since",
                    address: changed.text, help: "make a new one with `osiris plan --out FILE`")
            }
            try await execute(plan.withSecrets(of: workspace.cluster), base, session)
        }
    }

    private func execute(_ plan: Plan, _ base: PlanBase, _ session: StateSession) async throws {
        for settled in base.settled where !console.json { console.line("Recovery: \(settled.text)") }
        if !console.json { console.show(plan, as: .text, planning, sources: workspace.sources) }
        if !plan.refusals.isEmpty { throw DiagnosticsError(plan.refusals) }
        try confirm(plan)
        try await workflow.record(base, plan, to: session)
        if plan.isEmpty {
            if console.json { console.out(JSONLines.line(.finished(ApplySummary()), at: Date())) }
            return
        }
        let control = ApplyControl()
        let signals = StopSignals(control)
        defer { signals.end() }
        let deadline = try running.deadline.map { try Deadline.start($0, control) }
        defer { deadline?.cancel() }
        let output = console.applyOutput(for: plan)
        let applier = Applier(workspace.registry, observer: output, parallelism: running.parallelism)
        let summary = await applier.apply(
            plan, of: workspace.cluster, from: base, session: session, control: control)
        await output.end()
        if !console.json {
            console.out(
                SummaryText.render(summary, style: console.style) {
                    DiagnosticRenderer.text([$0], sources: workspace.sources, color: console.color)
                })
        }
        if summary.stopped == .interrupted || summary.stopped == .cancelled { throw Exit.interrupted }
        if !summary.isComplete { throw Exit.failed }
    }

    private func confirm(_ plan: Plan) throws {
        if plan.isEmpty || running.autoApprove { return }
        guard isatty(STDIN_FILENO) == 1 && !console.json else {
            throw Diagnostic(
                .usage, "nobody is there to approve the plan", help: "add --auto-approve, or apply a saved plan")
        }
        console.out("Apply these changes? Only `yes` is taken: ")
        guard readLine() == "yes" else {
            console.line("Nothing was changed.")
            throw ExitCode(1)
        }
    }

    /// Holds the lock while `body` runs; the history row says how it ended.
    private func locked(
        _ operation: String, _ body: (StateSession, StateSnapshot) async throws -> Void
    ) async throws {
        let session = try await workspace.store.begin(
            RunDescription(
                operation: operation, cluster: workspace.cluster.name, commit: Repository.commit(of: workspace.cluster),
                arguments: Repository.argumentsWithoutValues()))
        do {
            try await body(session, try await workspace.store.snapshot())
        } catch {
            // What ended the run is what the user must see, not a second fault of closing.
            try? await session.end((error as? ExitCode) == Exit.interrupted ? .interrupted : .failed)
            throw error
        }
        try await session.end(.succeeded)
    }
}
