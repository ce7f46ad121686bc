import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisRender
import OsirisState

/// Looks for what belongs to a cluster and is not in its state, and takes it in.
struct OrphanSearch {
    let workspace: Workspace
    let desired: DesiredGraph
    private(set) var orphans: Orphans
    /// One error for each place that could not be searched.
    private(set) var unreadable: [Diagnostic]

    /// Asks all providers.
    init(_ options: ClusterOptions, _ console: Console) async throws {
        let workspace = try await Workspace.open(options, console)
        self.init(workspace, try ClusterExpander(workspace.registry).expand(workspace.cluster))
        let request = DiscoveryRequest(cluster: workspace.cluster, key: try await workspace.store.existingKey())
        let finds = await console.reminding("looking for what exists") {
            await Rebuild(workspace.registry).search(request)
        }
        orphans = Orphans(finds.resources, state: workspace.snapshot, desired: desired)
        unreadable = finds.unreadable.map { RebuildText.unreadable($0, isTolerated: false) }
    }

    /// Nothing is asked.
    init(_ workspace: Workspace, _ desired: DesiredGraph) {
        self.workspace = workspace
        self.desired = desired
        orphans = Orphans([], state: workspace.snapshot, desired: desired)
        unreadable = []
    }

    /// Shows what is to be recorded, asks, and records it under the lock.
    /// - Parameter text: `adopted` or `imported`.
    func adopt(_ records: [ResourceRecord], text: String, _ console: Console, autoApprove: Bool) async throws {
        let wanted = Set(desired.declarations.map(\.address))
        let part = ManifestPart.render(records.filter { !wanted.contains($0.address) })
        if !console.json {
            console.table(["address", "what"], records.map { [$0.address.text, "\($0.type) (\($0.provider))"] })
            if !part.isEmpty {
                console.line(
                    "The manifest does not have these. With this part it does; without it, apply deletes them:\n")
                console.line(part)
            }
        }
        let control = ApplyControl()
        try await workspace.locked(text == "adopted" ? "adopt" : "import", control) { session, snapshot in
            if !autoApprove {
                try await Approval(console, control).ask("Record this in the state?", alone: "add --auto-approve")
            }
            guard snapshot.serial == workspace.snapshot.serial else {
                throw Diagnostic(
                    .stalePlan, "another run has changed the state at this very moment", help: "run this again")
            }
            try await Rebuild(workspace.registry).record(records, text: text, over: snapshot, to: session)
        }
        if console.json {
            let value: Value = [
                "recorded": .list(records.map { .string($0.address.text) }), "manifest": .string(part),
            ]
            console.line(value.prettyJSONText)
        } else {
            console.line(
                "Recorded \(RebuildText.counted(records.count)); nothing that exists was changed. `osiris plan` goes on."
            )
        }
    }
}

extension OrphanSearch {
    /// Shows what would go, asks, and deletes it as an apply does.
    /// - Parameters:
    ///   - patterns: empty for all.
    ///   - lineages: of other states whose objects may go too.
    func delete(
        _ patterns: [String], lineages: [String], allowing overrides: SafetyOverrides, _ console: Console,
        autoApprove: Bool
    ) async throws {
        let (records, others) = orphans.deletable(
            matching: patterns, lineages: Set(lineages + [workspace.snapshot.lineage]))
        console.report(unreadable + Self.leftOut(others))
        guard !records.isEmpty else {
            throw Diagnostic(
                .noMatch, others.isEmpty ? "there is no orphan that could be deleted" : "no orphan is of this state",
                help: "`osiris orphans` lists them, with what stands in the way of some")
        }
        let run = MadePlanRun(workspace: workspace, console: console, autoApprove: autoApprove)
        try await run.run("orphans", "Delete this?") { _, base in
            let taken = records.first { base.records[$0.address] != nil }
            if let taken {
                throw Diagnostic(
                    .stalePlan, "the state has `\(taken.address)` by now", help: "run this again")
            }
            // Known to this run alone: what is not deleted stays an orphan.
            for record in records { base.records[record.address] = record }
            return try Planner(workspace.registry).deletion(
                of: records, from: workspace.cluster, lineage: base.lineage, serial: base.serial, allowing: overrides)
        }
        if !unreadable.isEmpty { throw Exit.failed }
    }

    /// What other states made is only deleted when its lineage is named.
    private static func leftOut(_ others: [Orphans.Orphan]) -> [Diagnostic] {
        Dictionary(grouping: others) { $0.find.resource.lineage ?? "" }.sorted { $0.key < $1.key }.map {
            lineage, found in
            Diagnostic(
                .warning, .severalLineages,
                "left out: \(RebuildText.counted(found.count)) of another state, such as `\(found[0].address)`, "
                    + found[0].find.resource.place,
                help: "if that state is yours and lost: --lineage \(lineage)")
        }
    }
}
