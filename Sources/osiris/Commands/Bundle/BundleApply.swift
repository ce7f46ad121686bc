import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisState

struct BundleApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Unpack a bundle that is whole and signed, and apply its manifest.",
        discussion: """
            Its files take the place of those of the bundle before; the state stays in the folder's .osiris. All other commands
            work there with -f FOLDER. Nothing is sent to anybody but the hosts and, through them, their hubs.

            Example: osiris bundle apply rack.bundle --trust release.pub --into /srv/rack
            """)

    @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
    var bundle: String

    @Option(help: ArgumentHelp("Where it is unpacked; made if it is not there.", valueName: "folder"))
    var into: String

    @Option(
        name: .customLong("var"), parsing: .singleValue,
        help: ArgumentHelp("A variable's value; may be repeated.", valueName: "name=value"))
    var variables: [String] = []

    @Option(help: ArgumentHelp("The state's file. Default: .osiris/state.db in the folder.", valueName: "path"))
    var state: String?

    @OptionGroup var trust: BundleTrustOptions
    @OptionGroup var planning: PlanOptions
    @OptionGroup var running: RunOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let site = BundleSite(folder: URL(fileURLWithPath: into).standardizedFileURL.path)
            let (archive, trust) = (BundleArchive(path: bundle), try trust.value())
            let index = try await console.reminding("verifying the bundle") {
                try await onOwnThread { try site.take(archive, trust) }
            }
            var manifest = try ClusterOptions.parse(variables.flatMap { ["--var", $0] })
            manifest.files = index.manifests.map { "\(site.folder)/\($0)" }
            manifest.state = state
            let place = try manifest.statePlace()
            guard place.isFile else {
                throw Diagnostic(
                    .bundle, "the state is at \(place), and a bundle speaks to its hosts alone",
                    help: "name a file with --state, or `osiris apply -f \(site.folder)` where that service is reached")
            }
            let workspace = try await Workspace.open(manifest, console)
            try await ApplyRun(workspace, console, planning, running).run(.apply)
        }
    }
}
