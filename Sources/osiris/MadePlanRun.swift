import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisRender
import OsirisState

/// Carries out a plan that a command makes by itself, with the intents, guards and events of an apply.
struct MadePlanRun {
    let workspace: Workspace
    let console: Console
    let autoApprove: Bool

    /// - Parameters:
    ///   - operation: what the lock's holder is called for others.
    ///   - question: what is asked before anything is done.
    ///   - make: the plan, from what is there.
    func run(
        _ operation: String, _ question: String, _ make: (Workflow, inout PlanBase) throws -> Plan
    ) async throws {
        let control = ApplyControl()
        let workflow = Workflow(workspace.registry)
        try await workspace.locked(operation, control) { session, snapshot in
            var base = try await console.reminding("reading what exists") {
                let unfenced = try await workflow.fence(snapshot, of: workspace.cluster, by: session)
                return await workflow.base(snapshot, of: workspace.cluster, unfenced: unfenced)
            }
            let open = base.settled.compactMap { settled in
                if case .open(let diagnostic) = settled.outcome { diagnostic } else { nil }
            }
            guard open.isEmpty else {
                console.report(open)
                throw Diagnostic(
                    .unresolvedIntent, "an earlier run is not finished",
                    help: "run `osiris apply` first, then this again"
                )
            }
            let plan = try make(workflow, &base)
            if console.json {
                console.report(plan.refusals)
            } else {
                console.out(PlanText.render(plan, style: console.style, diagnostic: console.excerpt))
            }
            if !plan.refusals.isEmpty { throw Exit.refused }
            if !autoApprove { try await Approval(console, control).ask(question, alone: "add --auto-approve") }
            if await control.stopReason != nil {
                console.note("Interrupted before anything was changed.")
                throw Exit.interrupted
            }
            try await workflow.record(base.settled, to: session)
            let output = console.applyOutput(for: plan)
            let summary = await Applier(workspace.registry, observer: output).apply(
                plan, of: workspace.cluster, from: base, session: session, control: control)
            await output.end()
            if !console.json {
                console.out(SummaryText.render(summary, style: console.style, diagnostic: console.excerpt))
            }
            if summary.stopped == .interrupted || summary.stopped == .cancelled { throw Exit.interrupted }
            if !summary.isComplete { throw Exit.failed }
        }
    }
}
