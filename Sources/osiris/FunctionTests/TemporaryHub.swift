import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import ProviderLocal

/// The real hub program on a folder of its own and a free port, for as long as this program needs it.
struct TemporaryHub {
    let url: String
    let token: String
    let folder: String
    private let process: pid_t
    /// The hub ends when this does, also when this program is killed.
    private let input: Pipe

    /// Longest wait until it listens.
    private static let patience = Duration.seconds(30)

    /// - Throws: `ProviderError` if there is no hub program, a `Diagnostic` if it does not start.
    static func start() async throws -> TemporaryHub {
        let program = try HubProgram().locate()
        let folder = FileManager.default.temporaryDirectory.path + "/osiris-tests-\(UUID().uuidString.lowercased())"
        // Functions run as users of their own and must be able to reach their files; what is private says so itself.
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        let token = Digest.hex((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        let configuration: Value = [
            "address": "tests/hub.tests", "cluster": "tests", "host": "127.0.0.1", "port": 0, "generation": "tests",
            "tokens": HubRole.configuration(admin: token),
        ]
        let isMade = FileManager.default.createFile(
            atPath: folder + "/hub.json", contents: Data(configuration.plainJSON()),
            attributes: [.posixPermissions: 0o600])
        let log = folder + "/hub.log"
        guard isMade, FileManager.default.createFile(atPath: log, contents: nil) else {
            throw Diagnostic(.operationFailed, "the folder \(folder) cannot be written", help: "see that there is room")
        }
        let input = Pipe()
        let process = try Launch(
            program, ["serve", "--data", folder, "--until-input-ends"],
            environment: ProcessInfo.processInfo.environment, folder: FileManager.default.currentDirectoryPath,
            input: .descriptor(input.fileHandleForReading.fileDescriptor), output: .nothing, errors: .file(log)
        ).start()
        try? input.fileHandleForReading.close()
        var status: Int32 = 0
        var hasEnded = false
        let deadline = ContinuousClock.now + patience
        while !hasEnded, ContinuousClock.now < deadline {
            if let note = FileManager.default.contents(atPath: folder + "/hub.pid"),
                let port = try? Value(plainJSON: note).mapValue?["port"]?.intValue
            {
                let url = "http://127.0.0.1:\(port)"
                return TemporaryHub(url: url, token: token, folder: folder, process: process, input: input)
            }
            try await Task.sleep(for: .milliseconds(20))
            hasEnded = waitpid(process, &status, WNOHANG) == process
        }
        let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        if !hasEnded {
            kill(process, SIGKILL)
            _ = await Launch.end(of: process)
        }
        try? FileManager.default.removeItem(atPath: folder)
        throw Diagnostic(
            .operationFailed,
            "the hub for the tests did not start: \(said.split(separator: "\n").last ?? "it said nothing")",
            help: "\(program) must be of this release")
    }

    /// Its attributes, as a hub has them in the state.
    var attributes: Attributes { ["status": "running", "url": .string(url), "token": .string(token)] }

    /// Ends it and removes its folder.
    func stop() async {
        try? input.fileHandleForWriting.close()
        _ = await Launch.end(of: process)
        try? FileManager.default.removeItem(atPath: folder)
    }
}
