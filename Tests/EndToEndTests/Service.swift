import Foundation
import Testing

/// A Python program of the state's tests that plays a service. It ends with its standard input.
final class Service: Sendable {
    let folder = FileManager.default.temporaryDirectory.path + "/osiris-service-\(UUID().uuidString)"
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// - Parameter argument: nil gives it a folder of its own, which goes with it.
    init(_ script: String, in folderOfTests: String = "OsirisStateTests/Shared", _ argument: String? = nil) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", Program.root.appendingPathComponent("Tests/\(folderOfTests)/\(script)").path,
            argument ?? folder,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// What it says when it is ready. Waits on a thread of its own.
    func ready() async throws -> [String: Any] {
        let line = await withCheckedContinuation { continuation in
            Thread.detachNewThread { [output] in
                var line = Data()
                while let byte = try? output.fileHandleForReading.read(upToCount: 1), byte.first ?? 10 != 10 {
                    line += byte
                }
                continuation.resume(returning: line)
            }
        }
        return try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
    }

    deinit {
        try? input.fileHandleForWriting.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
