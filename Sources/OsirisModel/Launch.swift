import Foundation

/// A program to start: arguments as a list, no shell, in a session and process group of its own.
///
/// It inherits its three standard streams and no other descriptor, no signal mask and no ignored signal. Source:
/// posix_spawn(3).
public struct Launch: Sendable {
    /// Where one of its standard streams comes from or goes to.
    public enum Stream: Sendable {
        /// `/dev/null`.
        case nothing
        /// A file that is appended to, made with mode 0600 if there is none.
        case file(String)
        /// An open descriptor of this process.
        case descriptor(Int32)
    }

    /// Path of the program, or a name to look up in this process's `PATH`.
    public var program: String
    /// Never a secret: other users can see them.
    public var arguments: [String]
    /// Its whole environment.
    public var environment: [String: String]
    /// Working folder.
    public var folder: String
    public var input: Stream
    public var output: Stream
    public var errors: Stream

    public init(
        _ program: String, _ arguments: [String], environment: [String: String], folder: String,
        input: Stream = .nothing, output: Stream, errors: Stream
    ) {
        (self.program, self.arguments, self.environment, self.folder) = (program, arguments, environment, folder)
        (self.input, self.output, self.errors) = (input, output, errors)
    }

    /// Starts it.
    /// - Returns: its process id, also that of its group and session. The caller waits for it.
    /// - Throws: `POSIXError` when it cannot be started.
    public func start() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        try Self.check(Self.add(input, as: 0, to: &actions))
        try Self.check(Self.add(output, as: 1, to: &actions))
        try Self.check(Self.add(errors, as: 2, to: &actions))
        // Libraries in this process may have descriptors open that are not close-on-exec.
        try Self.check(Self.hidden("posix_spawn_file_actions_addclosefrom_np", CloseFrom.self)(&actions, 3))
        try Self.check(Self.hidden("posix_spawn_file_actions_addchdir_np", ChangeFolder.self)(&actions, folder))

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks is its own affair.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // POSIX_SPAWN_SETSID is 0x80 in glibc and musl; their headers hide the name from Swift.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80))

        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        try Self.check(posix_spawnp(&pid, program, &actions, &attributes, words, variables))
        return pid
    }

    /// Waits for a process that `start` gave, on a thread of its own, and reaps it.
    /// - Returns: its status as waitpid(2) has it.
    public static func end(of pid: pid_t) async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: wait(for: pid)) }
        }
    }

    /// As `end`, for a caller that is on a thread of its own: blocks.
    public static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }

    private static func add(_ stream: Stream, as number: Int32, to actions: inout posix_spawn_file_actions_t) -> CInt {
        switch stream {
        case .nothing: posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt
    private typealias ChangeFolder =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> CInt

    /// glibc (2.34, 2.29) and musl (1.1.24) have these two, but their headers hide them from Swift. Where the C library
    /// lacks one, the start fails rather than leak descriptors.
    private static func hidden<Function>(_ name: String, _ type: Function.Type) throws -> Function {
        guard let symbol = dlsym(nil, name) else { throw POSIXError(.ENOSYS) }
        return unsafeBitCast(symbol, to: type)
    }

    private static func check(_ number: CInt) throws {
        if number != 0 { throw POSIXError(POSIXErrorCode(rawValue: number) ?? .EINVAL) }
    }
}
