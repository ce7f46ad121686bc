import Foundation
import OsirisModel
import Synchronization

/// How a process ended.
public enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
    /// It exited with this code, 0...255.
    case code(Int32)
    /// This signal ended it.
    case signal(Int32)

    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}

/// A process in a session and process group of its own, whose standard streams are three pipes.
///
/// Each child has one thread that launches it, waits for it and reaps it, so nothing here blocks the caller.
/// The child inherits the three pipe ends and no other descriptor, no signal mask and no ignored signal.
public final class ChildProcess: Sendable {
    /// What to run.
    public struct Command: Sendable {
        /// Path of the program, or a name to look up in this process's `PATH`.
        public var program: String
        public var arguments: [String]
        /// The whole environment of the child.
        public var environment: [String: String]
        /// Working folder.
        public var folder: String

        public init(program: String, arguments: [String], environment: [String: String], folder: String) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.folder = folder
        }
    }

    /// The hub's ends of the child's pipes. Whoever receives them closes them.
    public struct Pipes: Sendable {
        public var input: Int32
        public var output: Int32
        public var error: Int32
    }

    /// The process id, and the id of its group and session.
    public let pid: pid_t
    private let reaped: Reaped

    private init(pid: pid_t, reaped: Reaped) {
        self.pid = pid
        self.reaped = reaped
    }

    /// Launches a process.
    /// - Parameter onExit: called once, on the child's thread, after the process ended and its group was killed.
    /// - Throws: `POSIXError` when the program cannot be started.
    public static func launch(
        _ command: Command, onExit: @escaping @Sendable (ProcessEnd) -> Void
    ) async throws -> (ChildProcess, Pipes) {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                let reaped = Reaped()
                do {
                    let (pid, pipes) = try spawn(command)
                    continuation.resume(returning: (ChildProcess(pid: pid, reaped: reaped), pipes))
                    onExit(reaped.wait(for: pid))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            thread.stackSize = 256 * 1024
            thread.name = "osiris-child"
            thread.start()
        }
    }

    /// Sends a signal to the whole process group; does nothing once the process was reaped.
    public func signal(_ number: Int32) { reaped.signal(number, group: pid) }

    private static func spawn(_ command: Command) throws -> (pid_t, Pipes) {
        let input = try pipe()
        let output = try pipe()
        let error = try pipe()
        defer { for end in [input.read, output.write, error.write] { close(end) } }
        do {
            let pid = try Launch(
                command.program, command.arguments, environment: command.environment, folder: command.folder,
                input: .descriptor(input.read), output: .descriptor(output.write), errors: .descriptor(error.write)
            ).start()
            return (pid, Pipes(input: input.write, output: output.read, error: error.read))
        } catch {
            for end in [input.write, output.read] { close(end) }
            throw error
        }
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        // No child can inherit these by accident: a launch shuts everything above 2 in every one of them.
        guard Foundation.pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EMFILE) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}

/// Keeps signals from reaching a process id after it was reaped, when another process may have it.
private final class Reaped: Sendable {
    private let done = Mutex(false)

    func signal(_ number: Int32, group: pid_t) {
        done.withLock { done in
            if !done { killpg(group, number) }
        }
    }

    func wait(for pid: pid_t) -> ProcessEnd {
        var info = siginfo_t()
        // Leaves the process as a zombie, so its id, which is the group's, is still taken while the rest is killed.
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return done.withLock { done in
            killpg(pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            done = true
            let signal = status & 0x7F
            return signal == 0 ? .code((status >> 8) & 0xFF) : .signal(signal)
        }
    }
}
