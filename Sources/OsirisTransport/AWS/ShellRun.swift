import Foundation

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
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that what it starts can be ended with it; and no signals that this program ignores.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let line: [String] = ["/bin/sh", "-c", command]
        let words = line.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: Int32 = 0
        let started = posix_spawn(&pid, "/bin/sh", &actions, &attributes, words, variables)
        close(ends[1])
        guard started == 0 else {
            problem = "could not be started: \(String(cString: strerror(started)))"
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
