import Foundation
import Synchronization
import Testing

/// The built program, run as a user runs it.
enum Program {
    struct Answer: CustomStringConvertible {
        var status: Int32
        var out: String
        var err: String
        var description: String { "exit \(status)\n--- stdout\n\(out)\n--- stderr\n\(err)" }

        var json: Any {
            get throws { try JSONSerialization.jsonObject(with: Data(out.utf8), options: .fragmentsAllowed) }
        }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of the test executable holds the programs too; `OSIRIS_PROGRAMS` names another, such as that of an optimised
    /// build.
    static func path(_ name: String) -> String {
        if let folder = ProcessInfo.processInfo.environment["OSIRIS_PROGRAMS"] { return "\(folder)/\(name)" }
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent(name).path
        return FileManager.default.isExecutableFile(atPath: beside)
            ? beside : root.appendingPathComponent(".build/debug/\(name)").path
    }

    /// A started program that writes into files, so that no pipe can fill.
    final class Running: Sendable {
        let process = Process()
        private let out: URL
        private let err: URL

        init(
            _ arguments: [String], program: String = Program.path("osiris"), environment: [String: String] = [:],
            in folder: URL, input: String? = nil
        ) throws {
            let base = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-run-\(UUID().uuidString)")
            out = base.appendingPathExtension("out")
            err = base.appendingPathExtension("err")
            for file in [out, err] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
            process.currentDirectoryURL = folder
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardInput = FileHandle.nullDevice
            if let input {
                // Short enough for the pipe's buffer, so nobody waits.
                let pipe = Pipe()
                try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
                try pipe.fileHandleForWriting.close()
                process.standardInput = pipe
            }
            process.standardOutput = try FileHandle(forWritingTo: out)
            process.standardError = try FileHandle(forWritingTo: err)
            try process.run()
        }

        /// What it has printed so far.
        func output() -> String { (try? String(contentsOf: out, encoding: .utf8)) ?? "" }
        /// On standard error.
        func errors() -> String { (try? String(contentsOf: err, encoding: .utf8)) ?? "" }

        func wait() async throws -> Answer {
            await process.ended()
            defer { for file in [out, err] { try? FileManager.default.removeItem(at: file) } }
            return Answer(
                status: process.terminationStatus, out: try String(contentsOf: out, encoding: .utf8),
                err: try String(contentsOf: err, encoding: .utf8))
        }
    }

    @discardableResult
    static func run(
        _ arguments: String..., environment: [String: String] = [:], in folder: URL
    ) async throws -> Answer {
        try await Running(arguments, environment: environment, in: folder).wait()
    }
}

extension Process {
    /// Waits on a thread of its own: a test that blocked one of the few shared ones would slow all others.
    func ended() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                // Alone, `waitUntilExit` turns a run loop all the time, and half a processor with it.
                var end = siginfo_t()
                while waitid(P_PID, id_t(self.processIdentifier), &end, WEXITED | WNOWAIT) == -1, errno == EINTR {}
                self.waitUntilExit()
                continuation.resume()
            }
        }
    }
}

/// A folder of its own for one test, removed afterwards.
final class Scratch: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to name: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
    }

    func edit(_ name: String, _ old: String, _ new: String) throws {
        let text = try read(name)
        try #require(text.contains(old), "\(name) does not contain \(old)")
        try write(text.replacingOccurrences(of: old, with: new), to: name)
    }

    /// Every file below, relative, sorted.
    func files() -> [String] {
        (FileManager.default.enumerator(atPath: url.path)?.compactMap { $0 as? String } ?? []).filter {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: url.path + "/" + $0, isDirectory: &isFolder)
            return !isFolder.boolValue
        }.sorted()
    }
}

private let givenPorts = Mutex<Set<Int>>([])

/// A port of 127.0.0.1 that nobody has and no other test was given, below those the system gives to outgoing
/// connections. The tests of the providers take theirs from another range.
func freePort() throws -> Int {
    for _ in 0..<100 {
        let port = Int.random(in: 20_000..<25_000)
        guard givenPorts.withLock({ $0.insert(port).inserted }) else { continue }
        // By asking, not by taking it: what another thread starts meanwhile would have the taken one for a moment.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isTaken = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if !isTaken { return port }
    }
    throw POSIXError(.EADDRINUSE)
}

/// False for one that is gone, and for one whose end nobody has waited for.
func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    if !stat.contains(") Z ") { return true }
    // The first thread may have ended while another one still has open what the process has.
    return (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task"))?.count ?? 0 > 1
}

/// The objects alive in a simulated store: creates without a later delete, by id.
func simulatedObjects(_ file: URL) throws -> [String: String] {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [:] }
    var alive: [String: String] = [:]
    for line in text.split(separator: "\n") {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let id = object["id"] as? String, let op = object["op"] as? String
        else { continue }
        if op == "delete" { alive[id] = nil } else { alive[id] = object["address"] as? String ?? "" }
    }
    return alive
}

/// Asks again until `condition` holds, then does `action` at once; false after `seconds`.
///
/// On a thread of its own: the shared ones are busy with hundreds of other tests, and what is waited for may be short.
func eventually(
    within seconds: Double = 60, _ condition: @escaping @Sendable () -> Bool,
    then action: @escaping @Sendable () -> Void = {}
) async -> Bool {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let end = Date().addingTimeInterval(seconds)
            var holds = condition()
            while !holds && Date() < end {
                usleep(2_000)
                holds = condition()
            }
            if holds { action() }
            continuation.resume(returning: holds)
        }
    }
}
