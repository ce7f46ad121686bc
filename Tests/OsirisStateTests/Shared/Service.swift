import Foundation
import OsirisModel

/// A Python program beside this file that plays a service: it says in one line of JSON that it is ready, and ends when
/// its standard input does, so also when the tests are killed.
final class Service: Sendable {
    let folder = FileManager.default.temporaryDirectory.path + "/osiris-service-\(UUID().uuidString)"
    private let input = Pipe()
    private let output = Pipe()
    private let process = Process()

    struct Failure: Error, CustomStringConvertible { let description: String }

    init(_ script: String, secure: Bool = false) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(script).path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", path, folder] + (secure ? ["secure"] : [])
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line it says. Waits on a thread of its own.
    func line() async throws -> [String: Value] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [output] in
                var line: [UInt8] = []
                while let byte = try? output.fileHandleForReading.read(upToCount: 1), byte.first != 10 {
                    guard let byte = byte.first else { break }
                    line.append(byte)
                }
                continuation.resume(
                    with: Result {
                        guard let fields = try? Value(plainJSON: line).mapValue else {
                            throw Failure(description: "the service did not start; is it installed? make test-tools")
                        }
                        return fields
                    })
            }
        }
    }

    func say(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((text + "\n").utf8)) }

    /// Ends it and waits for its end.
    func stop() async {
        try? input.fileHandleForWriting.close()
        await process.ended()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

extension Process {
    /// Waits on a thread of its own: a test that blocked one of the few shared ones would slow all others.
    func ended() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                self.waitUntilExit()
                continuation.resume()
            }
        }
    }
}
