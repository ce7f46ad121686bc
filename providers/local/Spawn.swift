import Foundation

/// Starts programs: arguments as a list, no shell, no descriptors of ours.
enum Spawn {
    /// Starts `program` in a session of its own, so that it outlives this process and its terminal.
    /// - Parameters:
    ///   - folder: Where it runs.
    ///   - output: The file its output is appended to.
    ///   - errors: The file its errors are appended to; nil for the same file.
    ///   - variables: Which variables of this process's environment it gets, by name.
    /// - Returns: Its process number.
    static func detached(
        _ program: String, _ arguments: [String], folder: String, output: String, errors: String? = nil,
        variables: (String) -> Bool
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        try call("posix_spawn_file_actions_addclosefrom_np", CloseFrom.self)(&actions, 3).check("closing descriptors")
        try call("posix_spawn_file_actions_addchdir_np", ChangeFolder.self)(&actions, folder).check(folder)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks is its own affair.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let newSession: CInt = 0x80  // POSIX_SPAWN_SETSID, which the headers hide from Swift
        posix_spawnattr_setflags(&attributes, Int16(newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var pid: Int32 = 0
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let environment =
            ProcessInfo.processInfo.environment.filter { variables($0.key) }
            .map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + environment { free(pointer) } }
        try posix_spawn(&pid, program, &actions, &attributes, words, environment).check("starting \(program)")
        return pid
    }

    /// What a hub needs of the environment. The rest may hold the operator's secrets, and functions could read it.
    static func isHarmless(_ name: String) -> Bool {
        ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "DOCKER_HOST"].contains(
            name)
            || name.hasPrefix("LC_")
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt
    private typealias ChangeFolder =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> CInt

    /// glibc and musl have these two, but their headers hide them from Swift.
    private static func call<Function>(_ name: String, _ type: Function.Type) throws -> Function {
        guard let symbol = dlsym(nil, name) else { throw HubFolderError("this C library has no \(name)") }
        return unsafeBitCast(symbol, to: type)
    }
}

extension CInt {
    /// Throws if this, the answer of a posix_spawn function, is an error number.
    fileprivate func check(_ what: String) throws {
        if self != 0 { throw HubFolderError("\(what) failed: \(String(cString: strerror(self)))") }
    }
}
