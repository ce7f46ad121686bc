import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// `engine.py` as a child of the tests: a container engine whose containers are processes of this machine.
final class TestEngine: Sendable {
    /// Where it keeps its files; holds its socket.
    let folder: String
    private let process: ChildProcess
    private let pipes: ChildProcess.Pipes

    /// What one image is like.
    struct Image: Encodable {
        var id = "sha256:" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased()
        var digests: [String] = []
        /// Arguments of `app.py`.
        var arguments: [String] = []
        /// True if it is there only after a pull.
        var pulled = false
        var pullSeconds = 0.0
        var pullError: String?

        fileprivate var value: Value {
            [
                "id": .string(id), "digests": .list(digests.map { .string($0) }), "pulled": .bool(pulled),
                "command": .list(["python3", .string(TestEngine.path("app.py"))] + arguments.map { .string($0) }),
                "pullSeconds": .double(pullSeconds), "pullError": pullError.map { .string($0) } ?? .null,
            ]
        }
    }

    var socket: String { folder + "/engine.sock" }
    var engine: Engine { Engine(socket: socket) }

    private init(folder: String, process: ChildProcess, pipes: ChildProcess.Pipes) {
        (self.folder, self.process, self.pipes) = (folder, process, pipes)
    }

    /// Starts an engine, hands it to the test and ends it with its containers.
    static func with(_ images: [String: Image], _ test: (TestEngine) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "osiris-engine-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let command = ChildProcess.Command(
            program: "python3", arguments: [path("engine.py"), folder + "/engine.sock", folder],
            environment: ProcessInfo.processInfo.environment, folder: "/")
        let (process, pipes) = try await ChildProcess.launch(command) { _ in }
        let engine = TestEngine(folder: folder, process: process, pipes: pipes)
        try engine.set(images)
        let first = try await BlockingWork.run { try FileHandle(fileDescriptor: pipes.output).read(upToCount: 6) }
        #expect(first.map { String(decoding: $0, as: UTF8.self) } == "ready\n")
        defer { engine.end() }
        try await test(engine)
    }

    /// Replaces what images there are.
    func set(_ images: [String: Image]) throws { try write(.map(images.mapValues(\.value)), to: "images.json") }

    /// Says whether it runs without root's rights.
    func set(rootless: Bool) throws { try write(["rootless": .bool(rootless)], to: "engine.json") }

    /// The containers that there are, as `inspect` shows them.
    func containers() throws -> [[String: Value]] {
        guard let data = FileManager.default.contents(atPath: folder + "/containers.json") else { return [] }
        return try Value(plainJSON: data).listValue?.compactMap(\.mapValue) ?? []
    }

    /// Runs `sdk.py` on an engine.
    static func checkWithDockersClient(socket: String, image: String) async throws {
        let (ends, ended) = AsyncStream.makeStream(of: ProcessEnd.self)
        let command = ChildProcess.Command(
            program: "python3", arguments: [path("sdk.py"), socket, image],
            environment: ProcessInfo.processInfo.environment, folder: "/")
        let (_, pipes) = try await ChildProcess.launch(command) { end in
            ended.yield(end)
            ended.finish()
        }
        close(pipes.input)
        let said = try await BlockingWork.run {
            try [pipes.output, pipes.error].map {
                try FileHandle(fileDescriptor: $0, closeOnDealloc: true).readToEnd() ?? Data()
            }
        }
        for await end in ends { #expect(end == .code(0), "\(String(decoding: said[1], as: UTF8.self))") }
        #expect(String(decoding: said[0], as: UTF8.self) == "ok\n")
    }

    private func write(_ value: Value, to name: String) throws {
        try Data(value.plainJSON()).write(to: URL(fileURLWithPath: folder + "/" + name), options: .atomic)
    }

    private func end() {
        // It kills its containers when its input ends, and then itself.
        for descriptor in [pipes.input, pipes.output, pipes.error] { close(descriptor) }
    }

    fileprivate static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
    }
}
