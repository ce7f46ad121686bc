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

    /// Stops it once `condition` holds, with operations under way: `isGood` sees the addresses of the open intents. Never in
    /// the middle of a write, where it would hold up everybody.
    func sleepsOnce(
        _ condition: @escaping @Sendable () -> Bool,
        betweenIntentAndEffectOf isGood: @escaping @Sendable ([String]) -> Bool
    ) async throws {
        let isAsleep = await eventually { [self] in
            guard condition() else { return false }
            kill(pid, SIGSTOP)
            while !isStopped && running.process.isRunning { usleep(500) }
            if !holdsWriteLock, isGood(openIntents()) { return true }
            kill(pid, SIGCONT)
            usleep(.random(in: 1_000...50_000))
            return false
        }
        try #require(isAsleep && running.process.isRunning, "\(running.output())")
    }

    private func openIntents() -> [String] {
        let query = """
            import sqlite3, sys
            for row in sqlite3.connect(sys.argv[1]).execute("SELECT address FROM intents ORDER BY id"): print(row[0])
            """
        return python(query).split(separator: "\n").map(String.init)
    }

    func wakesUp() { kill(pid, SIGCONT) }

    /// Whatever the test came to.
    func end() { if running.process.isRunning { kill(pid, SIGKILL) } }

    /// Takes its lock from it: by the command, or by letting its lease run out.
    /// - Returns: the number of its lock.
    @discardableResult
    func isOvertaken(_ how: FencingTests.TakeOver) async throws -> String {
        let refused = try await Program.run("apply", "--auto-approve", in: folder)
        #expect(refused.status == 4 && refused.err.contains("OSR0404"), "\(refused)")
        let number = String(try #require(refused.err.firstMatch(of: /osiris unlock (\d+)/)?.1))
        switch how {
        case .unlock:
            let unlocked = try await Program.run("unlock", number, in: folder)
            #expect(unlocked.status == 0, "\(unlocked)")
        case .lease:
            let age = """
                import sqlite3, sys
                with sqlite3.connect(sys.argv[1]) as state: state.execute("UPDATE lock SET renewedAt = renewedAt - 60000")
                """
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { [self] in
                    _ = python(age)
                    continuation.resume()
                }
            }
        }
        return number
    }

    private var isStopped: Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.contains(") T ")
    }

    private var holdsWriteLock: Bool {
        let locks = (try? String(contentsOfFile: "/proc/locks", encoding: .utf8)) ?? ""
        return locks.split(separator: "\n").contains { $0.contains(" WRITE \(pid) ") }
    }

    /// What a program in Python says of the state. Blocks.
    private func python(_ program: String) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program, folder.path + "/.osiris/state.db"]
        let output = Pipe()
        process.standardOutput = output
        guard (try? process.run()) != nil else { return "" }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }
}
