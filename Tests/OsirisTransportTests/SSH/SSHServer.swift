import Foundation

@testable import OsirisTransport

/// A real sshd on a loopback port with keys of its own, for the user that runs the tests.
final class SSHServer: Sendable {
    let port: Int
    let folder: String
    let user: String
    private let process: Int32

    /// - Parameters:
    ///   - hostKeys: types the server has, such as `ed25519`.
    ///   - options: lines for its configuration.
    init(hostKeys: [String] = ["ed25519"], options: [String] = []) async throws {
        folder = FileManager.default.temporaryDirectory.path + "/osiris-ssh-\(UUID().uuidString)"
        user = NSUserName()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // sshd as root wants this folder, and Debian's service is what usually makes it.
        try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        var failure: any Error = POSIXError(.EADDRINUSE)
        for _ in 0..<20 {
            let port = Int.random(in: 15_000..<20_000)
            do {
                process = try await Self.start(folder, port, hostKeys, options)
                self.port = port
                return
            } catch { failure = error }
        }
        throw failure
    }

    private static let script = """
        cd "$1" && shift
        for type in "$@"; do ssh-keygen -q -t $type -N '' -f host_$type || exit 1; done
        for key in ed25519 ecdsa; do ssh-keygen -q -t $key -N '' -f id_$key || exit 1; done
        ssh-keygen -q -t rsa -b 1024 -N '' -f id_rsa
        ssh-keygen -q -t ed25519 -N 'open sesame' -f id_locked
        cat id_*.pub > authorized_keys
        ssh-keygen -q -t ed25519 -N '' -f id_stranger
        exec /usr/sbin/sshd -D -f "$PWD/sshd_config" -E "$PWD/log"
        """

    private static func start(
        _ folder: String, _ port: Int, _ hostKeys: [String], _ options: [String]
    ) async throws -> Int32 {
        let lines =
            [
                "ListenAddress 127.0.0.1", "Port \(port)", "PidFile none", "UsePAM no", "StrictModes no",
                "AuthorizedKeysFile \(folder)/authorized_keys", "PermitRootLogin yes", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "MaxStartups 200",
            ] + hostKeys.map { "HostKey \(folder)/host_\($0)" } + options
        try lines.map { $0 + "\n" }.joined()
            .write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        let sshd = Process()
        sshd.executableURL = URL(fileURLWithPath: "/bin/sh")
        sshd.arguments = ["-c", script, "sh", folder] + hostKeys
        sshd.standardOutput = FileHandle.nullDevice
        try sshd.run()
        while sshd.isRunning {
            let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
            if log.contains("Server listening") { return sshd.processIdentifier }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw POSIXError(.EADDRINUSE)
    }

    deinit {
        kill(process, SIGTERM)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// How to log in, with the server's keys known.
    func destination(_ identities: [String] = ["id_ed25519"], passphrase: String? = nil) throws -> SSHDestination {
        SSHDestination(
            host: "127.0.0.1", port: port, user: user,
            identities: identities.map { .init(path: "\(folder)/\($0)", passphrase: passphrase) },
            knownHosts: [try knownHosts()])
    }

    /// A file with the server's keys.
    /// - Parameter types: of the keys; nil for all.
    func knownHosts(_ types: [String]? = nil) throws -> String {
        let path = "\(folder)/known_hosts.\(UUID().uuidString)"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasPrefix("host_") && $0.hasSuffix(".pub")
        }
        let lines = try names.filter { name in types?.contains { name == "host_\($0).pub" } ?? true }.map {
            let words = try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8).split(separator: " ")
            return "[127.0.0.1]:\(port) \(words[0]) \(words[1])\n"
        }
        try lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// What the server has logged.
    var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }
}
