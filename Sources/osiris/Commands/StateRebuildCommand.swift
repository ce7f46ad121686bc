import ArgumentParser

/// Makes a lost or damaged state again from the marks on what exists.
struct StateRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make a lost or damaged state again from the marks on what exists.",
        discussion: """
            Looks for everything that carries this cluster's marks, shows it, asks, and records it. Changes nothing that
            exists. A damaged state file is moved aside, never deleted; a healthy one with resources is left alone.

            Example: osiris state rebuild -f examples/quickstart
            """)

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Do not ask.")
    var autoApprove = false

    @Flag(help: "Record what was found although some place could not be searched.")
    var partial = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A lineage to take over where objects have several; may be repeated, the lost state's first.",
            valueName: "id"))
    var lineage: [String] = []

    func run() async throws {
        let console = Console(output)
        try await console.run { try await RebuildRun(self, console).run() }
    }
}
