import Foundation
import Synchronization
import Testing

@testable import OsirisHub

/// The built `osiris-hub` as a child of the tests.
final class RunningProgram: Sendable {
    let process: ChildProcess
    let client: Client
    private let exit: AsyncStream<ProcessEnd>
    private let collected: Collected

    /// What it wrote to stderr.
    final class Collected: Sendable { let text = Mutex("") }

    private init(process: ChildProcess, client: Client, exit: AsyncStream<ProcessEnd>, collected: Collected) {
        self.process = process
        self.client = client
        self.exit = exit
        self.collected = collected
    }

    /// Starts the program; it lies beside the tests' own.
    static func launch(_ arguments: [String], port: Int = 0) async throws -> RunningProgram {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = (tests as NSString).deletingLastPathComponent + "/osiris-hub"
        try #require(FileManager.default.isExecutableFile(atPath: program), "swift build --product osiris-hub first")
        let (exit, ended) = AsyncStream.makeStream(of: ProcessEnd.self)
        let command = ChildProcess.Command(
            program: program, arguments: arguments, environment: ProcessInfo.processInfo.environment, folder: "/")
        let collected = Collected()
        let (process, pipes) = try await ChildProcess.launch(command) { status in
            ended.yield(status)
            ended.finish()
        }
        close(pipes.input)
        close(pipes.output)
        let errors = pipes.error
        // A thread of its own, as reading blocks; it ends with the program.
        Thread {
            let handle = FileHandle(fileDescriptor: errors, closeOnDealloc: true)
            while let data = try? handle.read(upToCount: 4096), !data.isEmpty {
                collected.text.withLock { $0 += String(decoding: data, as: UTF8.self) }
            }
        }.start()
        return RunningProgram(process: process, client: Client(port: port), exit: exit, collected: collected)
    }

    /// Starts a hub on a data folder and waits until it listens.
    static func start(_ folder: String) async throws -> RunningProgram {
        let before = FileManager.default.contents(atPath: folder + "/hub.pid")
        let program = try await launch(["serve", "--data", folder])
        var port = 0
        try await eventually("hub.pid is written") {
            guard let data = FileManager.default.contents(atPath: folder + "/hub.pid"), data != before else {
                return false
            }
            let note = try JSONDecoder().decode([String: Int].self, from: data)
            port = note["port"] ?? 0
            return note["pid"] == Int(program.process.pid)
        }
        return RunningProgram(
            process: program.process, client: Client(port: port), exit: program.exit, collected: program.collected)
    }

    /// Waits for its end.
    func status() async -> ProcessEnd? {
        for await status in exit { return status }
        return nil
    }

    /// Ends it in order.
    func stop() async throws -> ProcessEnd? {
        process.signal(SIGTERM)
        return await status()
    }

    /// Waits until it has written this to stderr.
    func waitForError(_ text: String) async throws {
        try await eventually("stderr has: \(text)") { collected.text.withLock { $0.contains(text) } }
    }
}
