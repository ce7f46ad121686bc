import Foundation
import Testing

/// An apply that is stopped by SIGSTOP in the middle of its work, and goes on when others have taken over its lock.
final class Late: Sendable {
    let running: Program.Running
    private let folder: URL
    var pid: Int32 { running.process.processIdentifier }

    init(_ arguments: [String] = ["--parallelism", "4"], in scratch: Scratch) throws {
        folder = scratch.url
        running = try Program.Running(["apply", "--auto-approve", "--json"] + arguments, in: folder)
    }

    /// Stops it once `condition` holds, between two of its steps: in the middle of a write it would hold up everybody.
    func sleepsOnce(_ condition: @escaping @Sendable () -> Bool) async throws {
        let isAsleep = await eventually { [self] in
            guard condition() else { return false }
            kill(pid, SIGSTOP)
            while !isStopped && running.process.isRunning { usleep(500) }
            if !holdsWriteLock { return true }
            kill(pid, SIGCONT)
            return false
        }
        try #require(isAsleep && running.process.isRunning, "\(running.output())")
    }

    func wakesUp() { kill(pid, SIGCONT) }

    /// Whatever the test came to.
    func end() { if running.process.isRunning { kill(pid, SIGKILL) } }

    /// Takes its lock from it: by the command, or by letting its lease run out.
    func isOvertaken(_ how: FencingTests.TakeOver) async throws {
        let refused = try await Program.run("apply", "--auto-approve", in: folder)
        #expect(refused.status == 4 && refused.err.contains("OSR0404"), "\(refused)")
        switch how {
        case .unlock:
            let number = try #require(refused.err.firstMatch(of: /osiris unlock (\d+)/)?.1)
            let unlocked = try await Program.run("unlock", String(number), in: folder)
            #expect(unlocked.status == 0, "\(unlocked)")
        case .lease:
            let age = """
                import sqlite3, sys
                with sqlite3.connect(sys.argv[1]) as state: state.execute("UPDATE lock SET renewedAt = renewedAt - 60000")
                """
            _ = try await tool(["python3", "-c", age, folder.path + "/.osiris/state.db"])
        }
    }

    private var isStopped: Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.contains(") T ")
    }

    private var holdsWriteLock: Bool {
        let locks = (try? String(contentsOfFile: "/proc/locks", encoding: .utf8)) ?? ""
        return locks.split(separator: "\n").contains { $0.contains(" WRITE \(pid) ") }
    }
}

/// Runs a tool of the system to its end and answers its output.
func tool(_ arguments: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let bytes = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            continuation.resume(returning: bytes)
        }
    }
    #expect(process.terminationStatus == 0, "\(arguments)")
    return String(decoding: bytes, as: UTF8.self)
}
