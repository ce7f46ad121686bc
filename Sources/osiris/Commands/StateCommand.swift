import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisRender
import OsirisState

/// Looks into the state, and looks after it. What looks needs no lock.
struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Look into the state, and look after it.",
        discussion: "Example: osiris state show here/hub.here -f examples/quickstart",
        subcommands: [
            List.self, Show.self, History.self, Export.self, StateRebuildCommand.self, RotateKeyCommand.self,
            MigrateCommand.self, StateMoveCommand.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the recorded resources.", discussion: "Example: osiris state list 'here/function.*'")

        @Argument(help: "Only addresses that match this glob.")
        var pattern = "*"

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let snapshot = try await manifest.stateStore().snapshot(unsealing: false)
                let glob = Glob(pattern)
                let records = snapshot.resources.values.filter { glob.matches($0.address.text) }
                    .sorted { $0.address < $1.address }
                if console.json {
                    console.line(Value.list(records.map { .string($0.address.text) }).prettyJSONText)
                } else {
                    console.out(StateText.list(records, style: console.style))
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the recorded attributes of one resource.",
            discussion: "Example: osiris state show here/hub.here")

        @Argument(help: "The resource's address.")
        var address: String

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let snapshot = try await manifest.stateStore().snapshot(unsealing: false)
                guard let record = ResourceAddress(address).flatMap({ snapshot.resources[$0] }) else {
                    throw Diagnostic(
                        .noMatch, "the state has no resource `\(address)`", help: "`osiris state list` shows them all")
                }
                console.out(
                    console.json ? record.exported.prettyJSONText + "\n" : StateText.show(record, style: console.style))
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who applied what, when, and how it ended; with a number, that run's operations.",
            discussion: "Example: osiris state history 3")

        @Argument(help: ArgumentHelp("The number of a run.", valueName: "run"))
        var number: Int?

        @Option(help: "How many runs, the latest first.")
        var limit = 20

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let store = try manifest.stateStore()
                if let number {
                    let rows = try await store.events(ofApply: number).map { event in
                        [
                            event.time.formatted(.iso8601), event.kind.rawValue, event.address?.text ?? "-", event.text,
                        ]
                    }
                    console.table(["time", "event", "address", "note"], rows)
                } else {
                    let rows = try await store.applies(limit: limit).map { apply in
                        [
                            String(apply.id), apply.startedAt.formatted(.iso8601), apply.operation,
                            apply.outcome?.rawValue ?? "running", "\(apply.user)@\(apply.host)", apply.commit ?? "-",
                            apply.counts.sorted { $0.key.rawValue < $1.key.rawValue }
                                .map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", "),
                        ]
                    }
                    console.table(["run", "started", "operation", "outcome", "by", "commit", "resources"], rows)
                }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the whole state as JSON, secrets as digests.",
            discussion: "Example: osiris state export > state.json")

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                console.line(
                    try await manifest.stateStore().snapshot(unsealing: false).exported.prettyJSONText)
            }
        }
    }
}

extension Console {
    /// Aligned columns, or with `--json` a list of objects.
    func table(_ columns: [String], _ rows: [[String]]) {
        guard json else {
            return  // Nothing is cut where a program or a file reads.
                out(StateText.table(columns, rows, style: TextStyle(color: color, width: isTerminal ? width : 10_000)))
        }
        let objects = rows.map { row in Value.map(Dictionary(uniqueKeysWithValues: zip(columns, row.map(Value.string))))
        }
        line(Value.list(objects).prettyJSONText)
    }
}
