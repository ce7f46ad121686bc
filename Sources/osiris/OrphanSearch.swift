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
