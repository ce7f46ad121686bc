import Foundation
import OsirisModel
import Synchronization

@testable import OsirisTransport

/// A real sshd on a loopback port with keys of its own, for the user that runs the tests or for accounts of its own.
final class SSHServer: Sendable {
    /// Accounts of a server that has its own, by what they may do. All have the server's password and keys.
    enum Account: String, CaseIterable {
        /// sudo, with the password.
        case ada
        /// sudo without one.
        case bob
        /// Nothing.
        case eve
        /// sudo without a password, from a terminal only.
        case rita
        /// doas without a password.
        case dora
        /// doas with the password.
        case carl
    }

    let port: Int
    let folder: String
    let user: String
    /// Of the accounts.
    let password = "pass \(UUID().uuidString)"
    private let process: ChildProcess

    /// - Parameters:
    ///   - hostKeys: types the server has, such as `ed25519`.
    ///   - accounts: true for a server with accounts of its own, in a mount namespace whose `/etc` is a copy: nothing of the
    ///     machine changes. Needs root.
    ///   - options: lines for its configuration.
    init(hostKeys: [String] = ["ed25519"], accounts: Bool = false, options: [String] = []) async throws {
        folder = FileManager.default.temporaryDirectory.path + "/osiris-ssh-\(UUID().uuidString)"
        user = NSUserName()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // sshd as root wants this folder, and Debian's service is what usually makes it.
        try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        try (password + "\n").write(toFile: folder + "/password", atomically: true, encoding: .utf8)
        var failure: any Error = POSIXError(.EADDRINUSE)
        for _ in 0..<20 {
            let port = Self.newPort()
            do {
                process = try await Self.start(folder, port, hostKeys, accounts, options)
                self.port = port
                return
            } catch { failure = error }
        }
        throw failure
    }

    private static let givenPorts = Mutex<Set<Int>>([])

    /// One that no other server of these tests was given, in a range that no other tests use.
    private static func newPort() -> Int {
        while true {
            let port = Int.random(in: 15_000..<20_000)
            if givenPorts.withLock({ $0.insert(port).inserted }) { return port }
        }
    }

    private static let script = """
        cd "$1" && shift
        # Those of a try on a port that was taken: ssh-keygen would ask whether to overwrite them.
        rm -f host_* id_* log
        for type in "$@"; do ssh-keygen -q -t $type -N '' -f host_$type || exit 1; done
        for key in ed25519 ecdsa; do ssh-keygen -q -t $key -N '' -f id_$key || exit 1; done
        ssh-keygen -q -t rsa -b 1024 -N '' -f id_rsa
        ssh-keygen -q -t ed25519 -N 'open sesame' -f id_locked
        cat id_*.pub > authorized_keys
        ssh-keygen -q -t ed25519 -N '' -f id_stranger
        exec /usr/sbin/sshd -D -f "$PWD/sshd_config" -E "$PWD/log"
        """

    private static let accountsScript = """
        set -e
        cd "$1"
        rm -rf etc && cp -a /etc etc && mount --bind etc /etc
        for name in \(Account.allCases.map(\.rawValue).joined(separator: " ")); do
            useradd -m -d "$1/home-$name" -s /bin/sh $name
            echo "$name:$(cat password)" | chpasswd
        done
        printf '%s\\n' 'ada ALL=(ALL) ALL' 'bob ALL=(ALL) NOPASSWD: /bin/sh' 'rita ALL=(ALL) NOPASSWD: ALL' \
            'Defaults:rita requiretty' > /etc/sudoers.d/accounts
        chmod 0440 /etc/sudoers.d/accounts
        printf '%s\\n' 'permit nopass dora' 'permit carl' > /etc/doas.conf
        printf '%s\\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_permit.so' \
            > /etc/pam.d/sshd

        """

    private static func start(
        _ folder: String, _ port: Int, _ hostKeys: [String], _ hasAccounts: Bool, _ options: [String]
    ) async throws -> ChildProcess {
        // The first value of a key counts.
        let lines =
            options + [
                "ListenAddress 127.0.0.1", "Port \(port)", "PidFile none", "UsePAM no", "StrictModes no",
                "AuthorizedKeysFile \(folder)/authorized_keys", "PermitRootLogin yes", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "MaxStartups 200",
            ] + hostKeys.map { "HostKey \(folder)/host_\($0)" }
        try lines.map { $0 + "\n" }.joined()
            .write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        let namespace = hasAccounts ? ["unshare", "--mount", "--propagation", "private"] : []
        let words = namespace + ["sh", "-c", (hasAccounts ? accountsScript : "") + script, "sh", folder] + hostKeys
        let sshd = try ChildProcess(
            Launch(
                words[0], Array(words.dropFirst()), environment: ProcessInfo.processInfo.environment, folder: folder,
                output: .nothing, errors: .file(folder + "/printed")))
        func text(_ name: String) -> String {
            (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
        }
        while sshd.isRunning {
            if text("log").contains("Server listening") { return sshd }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "sshd did not start: \(text("printed"))\(text("log"))")
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// How to log in as one of the accounts, with a key.
    func destination(_ account: Account) throws -> SSHDestination {
        var destination = try destination()
        destination.user = account.rawValue
        return destination
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
