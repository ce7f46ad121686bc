import Foundation
import OsirisModel

/// A command that a shell ran to its end. Blocks until then.
struct ShellRun: Sendable {
    /// 0 for success; -1 if it could not be started or did not end in time.
    private(set) var status: Int32 = -1
    private(set) var output: [UInt8] = []
    /// In words, without a part of the command or of what it printed.
    private(set) var problem = ""

    private static let largest = 1 << 20

    /// - Parameters:
    ///   - environment: all that it gets of one.
    ///   - timeout: after this it is killed, with what it started.
    init(_ command: String, environment: [String: String], timeout: Duration) {
        var ends: [Int32] = [-1, -1]
        // A pair of sockets, since it can be closed to other programs in the very call that makes it.
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            problem = "no way to read its output: \(String(cString: strerror(errno)))"
            return
        }
        defer { close(ends[0]) }
        let pid: pid_t
        do {
            // In a group of its own, so that what it starts can be ended with it.
            pid = try Launch(
                "/bin/sh", ["-c", command], environment: environment,
                folder: FileManager.default.currentDirectoryPath, output: .descriptor(ends[1]), errors: .nothing
            ).start()
            close(ends[1])
        } catch {
            close(ends[1])
            problem = "could not be started: \(error.localizedDescription)"
            return
        }
        let isWhole = collect(ends[0], until: .now + timeout)
        if !isWhole { kill(-pid, SIGKILL) }
        var code: Int32 = 0
        while waitpid(pid, &code, 0) < 0, errno == EINTR {}
        guard isWhole else {
            problem = "did not end its output within \(timeout), or printed more than \(Self.largest) bytes"
            return
        }
        status = code & 0x7f == 0 ? code >> 8 & 0xff : 128 + (code & 0x7f)
        if status != 0 { problem = "ended with status \(status)" }
    }

    /// True at the end of the output, false if it did not come in time or is too large.
    private mutating func collect(_ end: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            let left = Int32(clamping: Int(max(.zero, deadline - .now) / .milliseconds(1)))
            var waiting = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, left)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return false }
            let count = read(end, &buffer, buffer.count)
            if count == 0 { return true }
            guard count > 0, output.count + count <= Self.largest else { return false }
            output += buffer[..<count]
        }
    }
}
