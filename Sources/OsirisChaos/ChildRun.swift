import Foundation
import OsirisModel

/// How a child process ended.
struct ChildEnd: Sendable {
    /// Exit code, or nil if a signal ended it.
    var code: Int32?
    var signal: Int32?
}

/// Starts runs of the program as processes of their own: a kill is a real one, and leaves nothing behind in memory.
public struct ChildProgram: Sendable {
    /// This program.
    private let path: String
    /// What the parent was told about the manifest, after the hidden verb.
    private let arguments: [String]

    /// - Parameters:
    ///   - path: of the program, absolute.
    ///   - arguments: before `--folder`, `--step` and `--log`.
    public init(path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// Runs one step to its end. What it printed is in `run-NAME.out` and `run-NAME.err` in `folder`, the boundaries it
    /// passed in `run-NAME.log`.
    func run(_ step: Step, name: String, in folder: String) async throws -> ChildEnd {
        let text = String(decoding: try JSONEncoder().encode(step), as: UTF8.self)
        let base = "\(folder)/run-\(name)"
        let launch = Launch(
            path, arguments + ["--folder", folder, "--step", text, "--log", base + ".log"],
            environment: ProcessInfo.processInfo.environment, folder: FileManager.default.currentDirectoryPath,
            output: .file(base + ".out"), errors: .file(base + ".err"))
        let status = await Launch.end(of: try launch.start())
        let signal = status & 0x7f
        return signal == 0 ? ChildEnd(code: status >> 8 & 0xff) : ChildEnd(signal: signal)
    }

    /// How many boundaries a run passed, from its log.
    static func boundaries(ofRun name: String, in folder: String) throws -> Int {
        let log = try String(contentsOfFile: "\(folder)/run-\(name).log", encoding: .utf8)
        return log.split(separator: "\n").count
    }
}
