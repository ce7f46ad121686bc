import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// How the hub of a data folder is started, found and stopped.
protocol HubRunner: Sendable {
    /// What runs the hub, for messages; nil if nothing does.
    func running(_ folder: HubFolder) async throws -> String?
    /// Makes sure that a start can work, before anything is stopped for it.
    func prepare(progress: @Sendable (String) -> Void) async throws
    /// Starts it; does not wait until it answers.
    func start(_ folder: HubFolder) async throws -> AwaitedHub
    /// The hub that `running` found.
    func found(_ folder: HubFolder) -> AwaitedHub
    /// Ends it and waits until it is gone.
    func stop(_ folder: HubFolder, progress: @Sendable (String) -> Void) async throws
    /// The next step for a user whose hub is of another version.
    var otherVersionHelp: String { get }
}

/// A hub whose first answer is waited for.
struct AwaitedHub: Sendable {
    /// False once it ended, also if it was started again since.
    var isAlive: @Sendable () async throws -> Bool
    /// The last lines it wrote, on one line.
    var log: @Sendable () async -> String
    /// Where the whole log is.
    var logHelp: String
    /// Keeps one that ended from being started again.
    var giveUp: @Sendable () async -> Void = {}
}

/// The hub as a plain process of this user, in a session of its own.
struct ProcessHub: HubRunner {
    let program: HubProgram

    var otherVersionHelp: String {
        "build osiris and osiris-hub together, or set OSIRIS_HUB to the hub of this release"
    }

    func running(_ folder: HubFolder) throws -> String? { try process(folder).map { "process \($0.pid)" } }

    /// By the hub's own note; without one by its arguments, so that a hub whose provisioner was killed is found too.
    private func process(_ folder: HubFolder) throws -> ProcessIdentity? {
        if let note = try folder.contents("hub.pid"), let process = ProcessIdentity(note: note), process.isAlive {
            return process
        }
        return ProcessIdentity.running(withArguments: arguments(folder))
    }

    func prepare(progress: @Sendable (String) -> Void) throws { _ = try program.locate() }

    func start(_ folder: HubFolder) throws -> AwaitedHub {
        let offset = folder.logLength
        let pid = try Command.start(
            Launch(
                try program.locate(), arguments(folder), environment: Command.environment(Command.isHarmless),
                folder: folder.path, output: .file(folder.log), errors: .file(folder.log)))
        // One that ended already has no start time: a process that was never alive.
        let process = ProcessIdentity(pid: pid) ?? ProcessIdentity(pid: pid, startTime: 0)
        return AwaitedHub(
            isAlive: { process.isAlive }, log: { folder.logTail(after: offset) }, logHelp: "its log is \(folder.log)")
    }

    func found(_ folder: HubFolder) -> AwaitedHub {
        AwaitedHub(
            isAlive: { try running(folder) != nil }, log: { folder.logTail(after: 0) },
            logHelp: "its log is \(folder.log)")
    }

    private func arguments(_ folder: HubFolder) -> [String] { ["serve", "--data", folder.path] }

    func stop(_ folder: HubFolder, progress: @Sendable (String) -> Void) async throws {
        for (signal, seconds) in [(SIGTERM, 12), (SIGKILL, 5)] {
            guard let process = try process(folder) else { return }
            progress("stopping process \(process.pid)")
            guard kill(process.pid, signal) == 0 || errno == ESRCH else {
                throw HubFolderError(errno: "the hub, process \(process.pid), cannot be stopped")
            }
            let deadline = ContinuousClock.now + .seconds(seconds)
            while process.isAlive, ContinuousClock.now < deadline {
                // Not cancelled halfway: a hub that was told to end is waited for.
                await Pause.uncancelled(.milliseconds(20))
            }
        }
        if let process = try process(folder) {
            throw HubFolderError("the hub, process \(process.pid), does not end")
        }
    }
}
