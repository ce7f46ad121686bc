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
    private let listener: (any ApplyObserver)?
    private let sleep: @Sendable (Duration) async throws -> Void
    private let control = ApplyControl()

    /// - Parameters:
    ///   - listener: hears of every event before the user does.
    ///   - sleep: the pause between tries.
    init(
        _ workspace: Workspace, _ console: Console, _ planning: PlanOptions, _ running: RunOptions,
        listener: (any ApplyObserver)? = nil,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.workspace = workspace
        self.console = console
        self.planning = planning
        self.running = running
        self.listener = listener
        self.sleep = sleep
        workflow = Workflow(workspace.registry, sleep: sleep)
    }

    /// Plans, asks, applies.
    func run(_ mode: Plan.Mode) async throws {
        try await workspace.locked(mode.rawValue, control) { session, snapshot in
            let gone = try ForgottenHosts(running.forgetHosts, in: snapshot)
            let snapshot = try await gone.forget(snapshot, session, console)
            let base = try await base(session, snapshot, refresh: !planning.noRefresh)
            let plan = try await prepare("looking at what will be changed") {
                try await workflow.preflightedPlan(
                    workspace.cluster, from: base, mode: mode,
                    selection: planning.selection, allowing: planning.overrides)
            }
            try show(plan, base)
            if !plan.isEmpty && !running.autoApprove { try await Approval(console, control).ask() }
            try await execute(plan, base, session)
        }
    }

    /// Records what changed outside osiris, and changes nothing that exists.
    func refreshOnly() async throws {
        try await workspace.locked("refresh", control) { session, snapshot in
            let base = try await base(session, snapshot)
            let plan = try workflow.plan(workspace.cluster, from: base, selection: planning.selection)
            console.show(base.settled)
            if console.json {
                console.line(PlanJSON.drift(plan))
            } else {
                console.out(PlanText.drift(plan, style: console.style))
            }
            console.report(plan.faults)
            if !plan.drift.isEmpty && !running.autoApprove {
                try await Approval(console, control).ask(
                    "Record this in the state, and change nothing else?", alone: "add --auto-approve")
            }
            if await control.stopReason != nil {
                console.note("Interrupted before anything was recorded.")
                throw Exit.interrupted
            }
            try await workflow.recordDrift(base, plan, to: session)
            if !console.json && !plan.drift.isEmpty {
                let count = plan.drift.count
                console.line(
                    "Recorded \(count) resource\(count == 1 ? "" : "s") as found; nothing that exists was changed.")
            }
            // What cannot be read may have drifted.
            if !plan.setAside.isEmpty { throw Exit.failed }
        }
    }

    /// Runs a saved plan, if the state is still the one it was made from. Saving it was the approval.
    func run(saved plan: Plan) async throws {
        try await workspace.locked(plan.mode.rawValue, control) { session, snapshot in
            let moved: String? =
                if plan.lineage != snapshot.lineage {
                    "it was made from another state"
                } else if plan.serial != snapshot.serial {
                    "the state has changed since (it was at \(plan.serial), now \(snapshot.serial))"
                } else if plan.manifestDigest != workspace.cluster.digest {
                    "the manifest, a function's source or a variable has changed since"
                } else if snapshot.intents.contains(where: { $0.isPutBack || $0.movedFrom != nil }) {
                    "a run that was cut off was putting machines back or renaming"
                } else {
                    nil
                }
            if let moved {
                throw Diagnostic(
                    .stalePlan, "the plan is stale: \(moved)", help: "make a new one with `osiris plan --out FILE`")
            }
            let base = try await base(session, snapshot)
            // Facts that the plan was made from may have moved too; only what it touches matters.
            if let changed = base.firstMovedFact(of: plan, workspace.registry) {
                throw Diagnostic(
                    .stalePlan, "the plan is stale: `\(changed)` has changed outside osiris since",
                    address: changed.text, help: "make a new one with `osiris plan --out FILE`")
            }
            let plan = plan.withSecrets(of: workspace.cluster)
            // Nor may a machine have been cordoned, or have become unable to take its change.
            let faults = try await prepare("looking at what will be changed") {
                await workflow.preflight(plan, of: workspace.cluster, base).filter { $0.effect != .warning }
            }
            if let first = faults.first {
                throw Diagnostic(
                    .stalePlan, "the plan is stale: `\(first.root)` would not be changed now: \(first.message)",
                    address: first.root.text,
                    notes: faults.dropFirst().map { Diagnostic.Note("`\($0.root)` neither: \($0.message)") },
                    help: "make a new one with `osiris plan --out FILE`")
            }
            try show(plan, base)
            try await execute(plan, base, session)
        }
    }

    private func base(
        _ session: StateSession, _ snapshot: StateSnapshot, refresh: Bool = true
    ) async throws -> PlanBase {
        try await prepare("reading what exists") {
            let unfenced = try await workflow.fence(snapshot, of: workspace.cluster, by: session)
            var snapshot = snapshot
            let finished = try await workflow.finishPutBacks(
                snapshot, of: workspace.cluster, by: session, unfenced: unfenced)
            let renamed = try await workflow.finishMoves(snapshot, of: workspace.cluster, by: session)
            if !finished.isEmpty || !renamed.isEmpty {
                console.show(finished + renamed.filter { if case .open = $0.outcome { false } else { true } })
                snapshot = try await workspace.store.snapshot()
            }
            return await workflow.base(snapshot, of: workspace.cluster, refresh: refresh, unfenced: unfenced)
        }
    }

    /// Carries out what comes before the changes. The first Ctrl-C waits for what was asked, the second one does not.
    private func prepare<Result: Sendable>(
        _ what: String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let work = Task { try await body() }
        await control.attach(
            notify: { [console] reason in
                if reason == .interrupted {
                    console.note("Interrupted: ends when \(what) has ended; Ctrl-C again ends it now.")
                }
            }, cancel: { work.cancel() })
        let result = await console.reminding(what) { await work.result }
        if await control.stopReason != nil {
            console.note("Interrupted before anything was changed.")
            throw Exit.interrupted
        }
        return try result.get()
    }

    private func show(_ plan: Plan, _ base: PlanBase) throws {
        console.show(base.settled)
        if !console.json {
            console.show(plan, as: .text, planning)
        } else {
            console.report(plan.setAside.map(\.diagnostic) + plan.refusals)
        }
        if !plan.refusals.isEmpty { throw Exit.refused }
    }

    private func execute(_ plan: Plan, _ base: PlanBase, _ session: StateSession) async throws {
        if await control.stopReason != nil {
            console.note("Interrupted before anything was changed.")
            throw Exit.interrupted
        }
        try await workflow.record(base, plan, to: session)
        let recorder = TimelineRecorder(parallelism: running.parallelism)
        if plan.isEmpty {
            try report(plan, recorder)
            var summary = ApplySummary()
            (summary.setAside, summary.leftAlone) = (plan.rootsSetAside, plan.rootsLeftAlone)
            if console.json { console.out(JSONLines.line(.finished(summary), at: Date())) }
            if !summary.isComplete { throw Exit.failed }
            return
        }
        let deadline = try running.deadline.map { try Deadline.start($0, control) }
        defer { deadline?.cancel() }
        let output = console.applyOutput(for: plan)
        let shown = running.report == nil ? output : ObserverPair(first: recorder, second: output) as any ApplyObserver
        let observer = listener.map { ObserverPair(first: $0, second: shown) as any ApplyObserver } ?? shown
        let applier = Applier(
            workspace.registry, observer: observer, parallelism: running.parallelism, sleep: sleep)
        let summary = await applier.apply(
            plan, of: workspace.cluster, from: base, session: session, control: control)
        await output.end()
        try report(plan, recorder)
        if !console.json {
            console.out(SummaryText.render(summary, style: console.style, diagnostic: console.excerpt))
        }
        if summary.stopped == .interrupted || summary.stopped == .cancelled { throw Exit.interrupted }
        if !summary.isComplete { throw Exit.failed }
    }
}

extension ApplyRun {
    /// Writes the page that `--report` asked for.
    private func report(_ plan: Plan, _ recorder: TimelineRecorder) throws {
        guard let path = running.report else { return }
        let page = Page(
            plan, nodes: try workspace.nodes(plan), sources: console.manifest.texts, timeline: recorder.timeline)
        do {
            try Data(page.render(at: Date()).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            // What was applied is recorded all the same.
            console.report([
                Diagnostic(
                    .warning, .usage, "cannot write the report `\(path)`: \(error.localizedDescription)",
                    help: "name a file in a folder you may write to")
            ])
        }
    }
}

/// Tells two observers, one after the other.
private struct ObserverPair: ApplyObserver {
    let first: any ApplyObserver
    let second: any ApplyObserver

    func observe(_ event: ApplyEvent, at time: Date) {
        first.observe(event, at: time)
        second.observe(event, at: time)
    }
}
