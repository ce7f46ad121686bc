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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        let text = String(decoding: try JSONEncoder().encode(step), as: UTF8.self)
        let base = "\(folder)/run-\(name)"
        process.arguments = arguments + ["--folder", folder, "--step", text, "--log", base + ".log"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(base + ".out")
        process.standardError = try Self.file(base + ".err")
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { ended in
                let signalled = ended.terminationReason == .uncaughtSignal
                continuation.resume(
                    returning: ChildEnd(
                        code: signalled ? nil : ended.terminationStatus,
                        signal: signalled ? ended.terminationStatus : nil))
            }
            do { try process.run() } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
    }

    /// How many boundaries a run passed, from its log.
    static func boundaries(ofRun name: String, in folder: String) throws -> Int {
        let log = try String(contentsOfFile: "\(folder)/run-\(name).log", encoding: .utf8)
        return log.split(separator: "\n").count
    }

    private static func file(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw CocoaError(.fileWriteUnknown) }
        return handle
    }
}
