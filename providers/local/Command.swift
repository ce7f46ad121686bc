import Foundation
import OsirisModel

/// A program that is run to its end.
enum Command {
    struct Result: Sendable {
        /// Exit status, or 128 and the number of the signal.
        var status: Int32
        /// What it wrote to standard output.
        var output: String
        /// What it wrote to standard error.
        var errors: String
        /// The last line of its errors, for messages.
        var problem: String { errors.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no message" }
    }

    /// There is no such program in PATH.
    struct Missing: Error, Sendable {
        var name: String
    }

    /// Looks `name` up in PATH, if it is no path itself, and waits for its end without holding a thread.
    /// - Parameters:
    ///   - arguments: Never a secret: other users can see them.
    ///   - timeout: After this it is killed, with what it started.
    /// - Throws: `Missing`, or `HubFolderError`.
    static func run(_ name: String, _ arguments: [String], timeout: Duration = .seconds(60)) async throws -> Result {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
            .split(separator: ":")
        let candidates = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        guard let program = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw Missing(name: name)
        }
        let base = FileManager.default.temporaryDirectory.path + "/osiris-" + UUID().uuidString
        let (output, errors) = (base + ".out", base + ".err")
        defer { for file in [output, errors] { unlink(file) } }
        let pid = try start(
            Launch(
                program, arguments, environment: environment(isForPrograms), folder: "/", output: .file(output),
                errors: .file(errors)))
        let status = try await end(of: pid, name, deadline: .now + timeout, timeout)
        return Result(status: status, output: text(output), errors: text(errors))
    }

    /// Starts it in a session of its own, so that it outlives this process and its terminal.
    static func start(_ launch: Launch) throws -> pid_t {
        do { return try launch.start() } catch {
            throw HubFolderError("starting \(launch.program) in \(launch.folder) failed: \(error.localizedDescription)")
        }
    }

    /// The variables of this process's environment that are chosen by name.
    static func environment(_ isChosen: (String) -> Bool) -> [String: String] {
        ProcessInfo.processInfo.environment.filter { isChosen($0.key) }
    }

    /// What a hub needs of the environment. The rest may hold the operator's secrets, and functions could read it.
    static func isHarmless(_ name: String) -> Bool {
        ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "DOCKER_HOST"].contains(
            name)
            || name.hasPrefix("LC_")
    }

    private static func end(
        of pid: Int32, _ name: String, deadline: ContinuousClock.Instant, _ timeout: Duration
    ) async throws -> Int32 {
        var status: CInt = 0
        var isKilled = false
        while true {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { break }
            if ended < 0 && errno != EINTR { throw HubFolderError(errno: "\(name) cannot be waited for") }
            if !isKilled, ContinuousClock.now > deadline {
                // It leads a session, and so a group, of its own.
                kill(-pid, SIGKILL)
                isKilled = true
            }
            await Pause.uncancelled(.milliseconds(10))
        }
        if isKilled { throw HubFolderError("\(name) did not end within \(timeout) and was killed") }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    }

    private static func text(_ file: String) -> String {
        FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The variables that podman's own configuration and a pull through a proxy need.
    private static func isForPrograms(_ name: String) -> Bool {
        isHarmless(name) || name == "DBUS_SESSION_BUS_ADDRESS"
            || ["CONTAINERS_", "XDG_", "REGISTRY_AUTH_FILE"].contains { name.hasPrefix($0) }
            || ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].contains(name.uppercased())
    }
}
