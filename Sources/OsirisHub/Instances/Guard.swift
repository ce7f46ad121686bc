import Foundation
import OsirisTransport

/// A small process that notices when the hub is killed and has what it ran killed too.
///
/// Functions see the end of their stdin then, and most go. This is for the ones that do not: a shell waits for the
/// end of its own stdin, whose other end only the hub has, and then becomes `osiris-hub reap`.
public struct Guard: Sendable {
    private let process: ChildProcess
    private let pipes: ChildProcess.Pipes

    /// Starts it.
    /// - Parameters:
    ///   - program: path of `osiris-hub`.
    ///   - folder: the hub's data folder.
    /// - Throws: `POSIXError` when there is no shell.
    public static func start(program: String, folder: String) async throws -> Guard {
        var environment = ["PATH": "/usr/bin:/bin"]
        // These lead to the container engine.
        for name in ["DOCKER_HOST", "XDG_RUNTIME_DIR"] {
            environment[name] = ProcessInfo.processInfo.environment[name]
        }
        let command = ChildProcess.Command(
            program: "/bin/sh",
            arguments: ["-c", #"read -r _; exec "$0" reap --data "$1" >/dev/null 2>&1"#, program, folder],
            environment: environment, folder: "/")
        let (process, pipes) = try await ChildProcess.launch(command) { _ in }
        return Guard(process: process, pipes: pipes)
    }

    /// Ends it, when the hub ends in order.
    public func dismiss() {
        process.signal(SIGKILL)
        for descriptor in [pipes.input, pipes.output, pipes.error] { close(descriptor) }
    }

    /// Kills what a killed hub left behind, unless another hub has the data folder by now: that one did it itself.
    /// - Returns: how many processes and containers were killed.
    /// - Throws: what the disk or the container engine says.
    public static func reap(folder: String) async throws -> Int {
        let data = DataFolder(path: folder)
        guard let lock = try? await BlockingWork.run({ try data.lock(as: .guard) }) else { return 0 }
        defer { close(lock) }
        let killed = try await InstanceLedger(data: data).reapLeftovers()
        let config = try await BlockingWork.run {
            ControlGroups.locate(for: data.realPath).sweep()
            return try HubConfig.read(path: data.config)
        }
        return try await killed + ContainerHost(data: data, config: config, http: HTTPClient()).removeLeftovers()
    }
}
