import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisRender
import OsirisState

/// Finds out what became of the operations a killed run left open, without planning or changing anything else.
struct RecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Settle the operations that a killed run left open.",
        discussion: """
            Plan and apply do this first by themselves; this command does nothing else. Only the state is written.

            Exit codes: 0 nothing is open any more, 1 something is and nobody can say now.

            Example: osiris recover --dry-run -f examples/rehearsal
            """)

    @Flag(help: "Only show what became of them; takes no lock and writes nothing.")
    var dryRun = false

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let workspace = try await Workspace.open(manifest, console)
            let workflow = Workflow(workspace.registry)
            var settled: [SettledIntent] = []
            if workspace.snapshot.intents.isEmpty {
                // No lock and no row in the history for nothing.
            } else if dryRun {
                if let holder = try await workspace.store.activeRun() { return console.sayActive(holder) }
                settled = await console.reminding("asking for open operations") {
                    await workflow.settle(workspace.snapshot, of: workspace.cluster)
                }
            } else {
                try await workspace.locked("recover", ApplyControl()) { session, snapshot in
                    settled = try await console.reminding("asking for open operations") {
                        let unfenced = try await workflow.fence(snapshot, of: workspace.cluster, by: session)
                        return await workflow.settle(snapshot, of: workspace.cluster, unfenced: unfenced)
                    }
                    try await workflow.record(settled, to: session)
                }
            }
            console.show(settled)
            if settled.isEmpty && !console.json { console.line("Nothing is open.") }
            var isOpen = false
            for case .open(let diagnostic) in settled.map(\.outcome) {
                console.report([diagnostic])
                isOpen = true
            }
            if console.json { console.out(RecoveryText.jsonSummary(settled, at: Date())) }
            if isOpen { throw Exit.failed }
        }
    }
}

extension Console {
    /// A run that is at work has open operations that nobody has to settle.
    func sayActive(_ holder: LockHolder) {
        let text = "\(holder) is at work now; what it has under way is shown as it is at this moment"
        note(json ? DiagnosticRenderer.json(Diagnostic(.warning, .stateLocked, text, help: nil)) : "Note: \(text).")
    }

    /// What recovery found.
    func show(_ settled: [SettledIntent]) {
        out(json ? RecoveryText.jsonLines(settled, at: Date()) : RecoveryText.lines(settled))
    }
}
