import Foundation
import OsirisModel

/// A program in Python that serves a test from a folder of its own; both go with the value.
final class PythonProgram: Sendable {
    let folder = FileManager.default.temporaryDirectory.path + "/osiris-python-\(UUID().uuidString)"
    private let process: ChildProcess

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// - Parameter arguments: what it is given behind the folder, in which it starts.
    init(_ script: String, _ arguments: [String] = []) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let printed = Launch.Stream.file(folder + "/printed")
        process = try ChildProcess(
            Launch(
                "python3", ["-c", script, folder] + arguments, environment: ProcessInfo.processInfo.environment,
                folder: folder, output: printed, errors: printed))
    }

    /// The text of a file by which it says that it is ready.
    /// - Throws: `Failure` with what it printed, if it ends before or takes a minute.
    func text(of name: String) async throws -> String {
        var text: String?
        _ = try await eventually {
            let isRunning = process.isRunning
            text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            return text != nil || !isRunning
        }
        if let text { return text }
        let printed = (try? String(contentsOfFile: folder + "/printed", encoding: .utf8)) ?? ""
        throw Failure(
            description: "the Python program is not ready\(process.isRunning ? "" : " and has ended"): \(printed)")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

/// Asks again until `condition` holds; false after a minute.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}
