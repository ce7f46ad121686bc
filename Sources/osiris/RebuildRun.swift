import ArgumentParser
import OsirisDiagnostics
import OsirisEngine
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// One `state rebuild`: the calls in order, from the state there is to the state that is made. Decides nothing new.
struct RebuildRun {
    private let options: StateRebuildCommand
    private let console: Console
    private let control = ApplyControl()
    private let registry = Providers.registry()

    init(_ options: StateRebuildCommand, _ console: Console) {
        self.options = options
        self.console = console
    }

    func run() async throws {
        let (cluster, desired) = try Workspace.expand(options.manifest, console)
        let store = try options.manifest.stateStore(registry)
        let condition = try await store.condition(cluster: cluster.name)
        if case .filled(let count) = condition { throw RebuildText.filled(store.location, count) }
        let signals = StopSignals(control)
        defer { signals.end() }

        let request = DiscoveryRequest(cluster: cluster, key: try await store.existingKey())
        let finds = await console.reminding("looking for what exists") {
            await Rebuild(registry).search(request, for: desired)
        }
        let draft = RebuildDraft(finds.resources, desired: desired, lineages: options.lineage)
        if !draft.refusals.isEmpty { throw DiagnosticsError(draft.refusals) }
        let unreadable = finds.unreadable.map { RebuildText.unreadable($0, isTolerated: options.partial) }
        if unreadable.hasErrors { throw DiagnosticsError(unreadable + draft.leftOut) }

        if !console.json {
            console.line(RebuildText.condition(condition, store.location))
            if !draft.records.isEmpty {
                console.table(["address", "what", "where"], RebuildText.rows(draft))
                console.line(RebuildText.found(draft))
            }
        }
        console.report(unreadable + draft.leftOut + RebuildText.incomplete(draft))
        let isWhole = (unreadable + draft.leftOut).isEmpty && draft.records.allSatisfy { $0.incomplete == nil }
        var report = RebuildReport(draft: draft, state: store.location, isWhole: isWhole)
        if !draft.records.isEmpty || condition.isDamaged {
            if !options.autoApprove {
                try await Approval(console, control).ask(
                    draft.records.isEmpty ? "Move the damaged state aside?" : "Record this in the state?",
                    alone: "add --auto-approve")
            }
            if await control.stopReason != nil {
                console.note("Interrupted before anything was changed.")
                throw Exit.interrupted
            }
            if condition.isDamaged { report.aside = try await store.setDamagedAside(cluster: cluster.name) }
            if !draft.records.isEmpty { try await record(report, over: condition, of: cluster) }
        }
        console.out(console.json ? report.json : report.text)
        if !report.isWhole { throw Exit.failed }
    }

    /// Under the lock. It was not held before: a state that cannot be read has none.
    private func record(_ report: RebuildReport, over condition: StateCondition, of cluster: Cluster) async throws {
        let store = try options.manifest.stateStore(registry, lineage: report.draft.lineage)
        let session = try await store.begin(
            RunDescription(
                operation: StateStore.rebuildOperation, cluster: cluster.name, commit: Repository.commit(of: cluster),
                arguments: Repository.argumentsWithoutValues()))
        do {
            let present = try await store.snapshot(unsealing: false)
            var expected = 0
            if case .fillable(let serial, _) = condition { expected = serial }
            guard present.serial == expected else {
                throw Diagnostic(
                    .stalePlan, "another run has changed the state at this very moment", help: "run this again")
            }
            try await session.adopt(lineage: report.draft.lineage ?? present.lineage)
            try await Rebuild(registry).record(report.draft, over: present, to: session)
        } catch {
            // What ended the run is what the user must see, not a second fault of closing.
            try? await session.end(.failed)
            throw error
        }
        // One that left something out counts as not ended: it may be run again over what it recorded.
        try await session.end(report.isWhole ? .succeeded : .failed)
    }
}
