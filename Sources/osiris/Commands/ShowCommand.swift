import ArgumentParser
import OsirisModel
import OsirisPlanner
import OsirisRender
import OsirisState

/// Shows a saved plan, or all that is recorded.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a saved plan; without a file, every recorded resource.",
        discussion: "Example: osiris show change.plan")

    @Argument(help: ArgumentHelp("A plan saved with `osiris plan --out`.", valueName: "plan file"))
    var planFile: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var planning: PlanOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "How to show a saved plan: text, json, markdown, html, dot or mermaid.")
    var format: PlanCommand.Format = .text

    func run() async throws {
        let console = Console(output)
        try await console.run {
            if let planFile {
                console.show(try PlanFile.read(planFile).plan, as: console.json ? .json : format, planning)
                return
            }
            let snapshot = try await manifest.stateStore().snapshot(unsealing: false)
            let records = snapshot.resources.values.sorted { $0.address < $1.address }
            if console.json {
                console.line(Value.list(records.map { $0.exported }).prettyJSONText)
            } else {
                for record in records { console.out(StateText.show(record, style: console.style)) }
                if records.isEmpty { console.line("Nothing is recorded in \(try manifest.statePlace()).") }
            }
        }
    }
}
