import ArgumentParser
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import OsirisProviderKit

/// Lists what carries the cluster's marks and is in no state; deletes it when asked.
struct OrphansCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orphans", abstract: "List what belongs to the cluster and is not in its state, or delete it.",
        discussion: """
            Only reads, without --delete. Exit codes: 0 none, 1 some place cannot be searched, 2 there are some. `osiris
            adopt` takes them into the state; the next apply then keeps what the manifest wants and deletes the rest.

            With --delete they go: all, or those that are named, with what lives on them. It shows them and asks, and keeps
            to `spec.safety` as an apply does.

            Example: osiris orphans -f examples/rehearsal
            """)

    @Argument(help: ArgumentHelp("With --delete: only these addresses, globs or targets.", valueName: "address"))
    var patterns: [String] = []

    @Flag(help: "Delete them.")
    var delete = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "With --delete: also objects that were made under this other state; may be repeated.", valueName: "id"))
    var lineage: [String] = []

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var limits: SafetyOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Do not ask.")
    var autoApprove = false

    func validate() throws {
        if !delete && (!patterns.isEmpty || !lineage.isEmpty || autoApprove) {
            throw ValidationError("addresses, --lineage and --auto-approve go with --delete")
        }
    }

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let search = try await OrphanSearch(manifest, console)
            if delete {
                return try await search.delete(
                    patterns, lineages: lineage, allowing: limits.overrides, console, autoApprove: autoApprove)
            }
            let rows = search.orphans.orphans.map { orphan in
                [
                    orphan.address.text, "\(orphan.address.type) (\(orphan.find.provider))",
                    orphan.find.resource.place, orphan.isWanted ? "yes" : "no", orphan.obstacle ?? "",
                ]
            }
            if rows.isEmpty && !console.json {
                console.line("No orphans: all that carries the cluster's marks is in the state.")
            } else {
                console.table(["address", "what", "where", "in the manifest", "cannot be adopted because"], rows)
            }
            console.report(search.unreadable)
            if !search.unreadable.isEmpty { throw Exit.failed }
            if !rows.isEmpty { throw Exit.changesPending }
        }
    }
}

/// Takes orphans into the state, and prints the manifest part for those the manifest does not have.
struct AdoptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", abstract: "Take what belongs to the cluster and is not in its state into the state.",
        discussion: """
            Changes nothing that exists. Prints the manifest part for what the manifest does not have: without it the next
            apply deletes that.

            Example: osiris adopt 'fleet/*' -f examples/rehearsal
            """)

    @Argument(
        help: ArgumentHelp("Addresses, globs or targets; what they live on is adopted too.", valueName: "address"))
    var patterns: [String]

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Do not ask.")
    var autoApprove = false

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let search = try await OrphanSearch(manifest, console)
            console.report(search.unreadable)
            let records = search.orphans.records(matching: patterns, desired: search.desired)
            guard !records.isEmpty else {
                throw Diagnostic(
                    .noMatch, "no orphan that could be adopted matches",
                    help: "`osiris orphans` lists them, with what keeps some from being adopted")
            }
            try await search.adopt(records, text: "adopted", console, autoApprove: autoApprove)
            if !search.unreadable.isEmpty { throw Exit.failed }
        }
    }
}

/// Takes an object that a provider finds by its identity into the state.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take one object that exists into the state, under an address of the manifest.",
        discussion: """
            The manifest must declare the address. ID is what the provider calls the object (the attribute `id`). Changes
            nothing that exists; `osiris plan` shows how it differs from the manifest.

            Example: osiris import fleet/machine.m0007 machine-7 -f examples/rehearsal
            """)

    @Argument(help: "The address that the manifest declares.")
    var address: String

    @Argument(help: "What the provider calls the object.")
    var id: String

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Do not ask.")
    var autoApprove = false

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let workspace = try await Workspace.open(manifest, console)
            let desired = try ClusterExpander(workspace.registry).expand(workspace.cluster)
            let found = try await Import(workspace.registry).find(
                address, id: id, desired: desired, in: workspace.snapshot, of: workspace.cluster)
            let search = OrphanSearch(workspace, desired)
            try await search.adopt([found], text: "imported", console, autoApprove: autoApprove)
        }
    }
}
