import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisState

/// Where the manifest and the state are.
struct ClusterOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")], parsing: .singleValue,
        help: ArgumentHelp(
            "A manifest file, a folder of them, or - for standard input; may be repeated.", valueName: "path"),
        completion: .file())
    var files: [String] = []

    @Option(
        name: .customLong("var"), parsing: .singleValue,
        help: ArgumentHelp("A variable's value; may be repeated.", valueName: "name=value"))
    var variables: [String] = []

    @Option(
        name: .customLong("var-file"), parsing: .singleValue,
        help: ArgumentHelp(
            "A YAML file of variables' values; may be repeated, a later one wins, --var wins over all.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var variableFiles: [String] = []

    @Option(
        help: ArgumentHelp(
            "The state: a file, or etcd://, etcds:// or s3:// and where. Default: OSIRIS_STATE, the manifest's "
                + "spec.state, .osiris/state.db beside the manifest.", valueName: "path or url"))
    var state: String?

    /// The current folder, when nothing is named.
    var paths: [String] { files.isEmpty ? ["."] : files }

    /// The folder of the first path: relative paths, the state and the hubs' data are there.
    var folder: String {
        let first = paths[0]
        if first == "-" { return FileManager.default.currentDirectoryPath }
        let url = URL(fileURLWithPath: first).standardizedFileURL
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? url.path : url.deletingLastPathComponent().path
    }

    /// Where osiris keeps what belongs to the manifest.
    var dataFolder: String { folder + "/.osiris" }

    /// - Throws: `DiagnosticsError`: OSR0416 for a malformed URL, or faults of a manifest that hide where the state is.
    func statePlace() throws(DiagnosticsError) -> StatePlace {
        let current = FileManager.default.currentDirectoryPath
        if let state { return try StatePlace(state, folder: current) }
        if let variable = ProcessInfo.processInfo.environment["OSIRIS_STATE"], !variable.isEmpty {
            return try StatePlace(variable, folder: current)
        }
        if let written = try ManifestLoader.state(paths: paths, standardInput: { StandardInput.bytes }) {
            return try StatePlace(written.place, folder: written.folder)
        }
        return try StatePlace("state.db", folder: dataFolder)
    }

    func validate() throws {
        for variable in variables where !variable.contains("=") {
            throw ValidationError("--var wants NAME=VALUE, got `\(variable)`")
        }
    }
}

/// How results are shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Machine-readable output: JSON results, one JSON object per diagnostic or event.")
    var json = false

    @Flag(help: "No colour, even on a terminal (NO_COLOR does the same).")
    var noColor = false
}

/// Which resources a plan may touch, and how it looks.
struct PlanOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Only this address, glob or target, and what it needs.", valueName: "address"))
    var target: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Not this address, glob or target, nor what depends on it.", valueName: "address"))
    var exclude: [String] = []

    @Flag(name: .customLong("no-refresh"), help: "Trust the state instead of reading what exists.")
    var noRefresh = false

    @OptionGroup var limits: SafetyOptions

    var selection: Selection { Selection(targets: target, excludes: exclude) }
    var overrides: SafetyOverrides { limits.overrides }

    @Flag(help: "One line for each change.")
    var concise = false

    @Flag(help: "Every change in full, nothing folded.")
    var verbose = false
}

/// What may be deleted this once although the manifest's `safety` forbids it.
struct SafetyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Allow exactly so many deletes and replacements this once, whatever safety.maxDeletes says.",
            valueName: "n"))
    var allowDeletes: Int?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Allow to delete or replace this protected resource this once; may be repeated.", valueName: "address"))
    var allowProtected: [String] = []

    var overrides: SafetyOverrides {
        SafetyOverrides(deletes: allowDeletes, protected: Set(allowProtected.compactMap { ResourceAddress($0) }))
    }

    func validate() throws {
        for address in allowProtected where ResourceAddress(address) == nil {
            throw ValidationError("--allow-protected wants one address, such as rack/host.n1, got `\(address)`")
        }
    }
}

/// How an apply runs.
struct RunOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var autoApprove = false

    @Option(help: ArgumentHelp("Operations at once.", valueName: "n"))
    var parallelism: Int = 32

    @Option(help: ArgumentHelp("Start nothing more after this time, such as 20m.", valueName: "duration"))
    var deadline: String?

    @Option(
        help: ArgumentHelp(
            "Write what was done, with its timeline and critical path, as one HTML page.", valueName: "file"))
    var report: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A host that is gone for good: its records are dropped first, nothing is contacted; may be repeated.",
            valueName: "host"))
    var forgetHosts: [String] = []

    func validate() throws {
        if parallelism < 1 || parallelism > 1024 { throw ValidationError("--parallelism must be 1 to 1024") }
        if let report {
            let folder = URL(fileURLWithPath: report).deletingLastPathComponent().path
            guard FileManager.default.isWritableFile(atPath: folder) else {
                throw ValidationError("--report cannot be written: `\(folder)` is no folder you may write to")
            }
        }
    }
}

/// A manifest given on the standard input. It is looked at twice, and can be read once.
enum StandardInput {
    static let bytes = Array(FileHandle.standardInput.readDataToEndOfFile())
}
