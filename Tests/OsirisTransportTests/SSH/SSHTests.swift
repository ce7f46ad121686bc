import Foundation
import OsirisModel
import Testing

@testable import OsirisTransport

/// The SSH client against real sshds.
@Suite struct SSHTests {
    /// A loaded machine takes its time.
    private static let patience = SSHPatience(connect: .seconds(90))

    private static func failure(_ body: () async throws -> some Any) async -> SSHError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? SSHError
        }
    }

    @Test func aCommandRunsAndTellsHowItEnded() async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let result = try await connection.run("echo out; echo err >&2; exit 7")
        #expect(result == SSHResult(status: 7, output: Array("out\n".utf8), errors: Array("err\n".utf8)))
        let killed = try await connection.run("kill -KILL $$")
        #expect(killed.status == nil && killed.signal == "KILL")
        let words = ["printf", "%s|", "a b", "it's", "$HOME", "", "\n"]
        #expect(try await connection.run(SSHWords.line(words)).output == Array("a b|it's|$HOME||\n|".utf8))
    }

    @Test func muchGoesBothWays() async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let result = try await connection.run("cat", input: bytes)
        #expect(result.output == bytes && result.status == 0)
        // A command that does not read its input ends all the same.
        #expect(try await connection.run("exit 3", input: bytes).status == 3)
        let error = await Self.failure { try await connection.run("yes", limit: 100_000) }
        #expect(error?.kind == .tooMuchOutput)
    }

    @Test(arguments: ["id_ed25519", "id_ecdsa"]) func keysOfFilesLogIn(_ key: String) async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(
            to: server.destination(["id_stranger", key]))
        #expect(try await connection.run("true").status == 0)
    }

    @Test func aKeyWithAPassphraseLogsIn() async throws {
        let server = try await SSHServer()
        let client = SSHClient(patience: Self.patience)
        let right = try await client.connect(to: server.destination(["id_locked"], passphrase: "open sesame"))
        #expect(try await right.run("true").status == 0)
        for wrong in [nil, "open"] {
            let error = await Self.failure {
                try await client.connect(to: server.destination(["id_locked"], passphrase: wrong))
            }
            #expect(error?.kind == .refused)
            #expect(error?.reason.contains(wrong == nil ? "may need a passphrase" : "may be wrong") == true)
        }
    }

    @Test func refusalsTellWhatWasTried() async throws {
        let server = try await SSHServer()
        var destination = try server.destination(["id_stranger", "id_absent", "id_rsa"])
        destination.password = "guess"
        let error = try #require(
            await Self.failure { try await SSHClient(patience: Self.patience).connect(to: destination) })
        #expect(error.kind == .refused)
        for part in ["id_stranger", "id_absent is not there", "id_rsa (an RSA key"] {
            #expect(error.reason.contains(part))
        }
        #expect(error.help == "the server offers: publickey")
        #expect(!"\(error) \(error.help)".contains("guess"))
    }

    @Test(
        .enabled(if: geteuid() == 0, "accounts of its own need root"),
        arguments: [
            ["PasswordAuthentication yes"], ["KbdInteractiveAuthentication yes", "UsePAM yes"],
        ])
    func passwordsLogIn(_ options: [String]) async throws {
        let server = try await SSHServer(accounts: true, options: options)
        let client = SSHClient(patience: Self.patience)
        var destination = try server.destination(.eve)
        destination.identities = []
        destination.password = server.password
        #expect(try await client.connect(to: destination).run("id -un").output == Array("eve\n".utf8))
        destination.password = "not it"
        let error = try #require(await Self.failure { try await client.connect(to: destination) })
        #expect(error.kind == .refused && error.reason.contains("the password"))
        #expect(!"\(error) \(error.help)".contains("not it"))
    }

    @Test func aCertificateIsRefusedByName() async throws {
        let server = try await SSHServer()
        let ca = try await SSHServer(options: ["TrustedUserCAKeys \(server.folder)/ca.pub"])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "cd \(server.folder) && ssh-keygen -q -t ed25519 -N '' -f ca && ssh-keygen -q -t ed25519 -N '' -f certified "
                + "&& ssh-keygen -q -s ca -I test -n \(NSUserName()) certified.pub && touch done",
        ]
        try process.run()
        while !FileManager.default.fileExists(atPath: server.folder + "/done") {
            try await Task.sleep(for: .milliseconds(20))
        }
        var destination = try ca.destination([])
        destination.identities = [.init(path: server.folder + "/certified")]
        let client = SSHClient(patience: Self.patience)
        let error = try #require(await Self.failure { try await client.connect(to: destination) })
        #expect(error.kind == .refused && error.reason.contains("without its certificate"))
        #expect(error.reason.contains("/certified-cert.pub"))
        let agent = try await Agent(folder: server.folder, keys: ["certified"])
        defer { agent.end() }
        destination.agent = agent.socket
        let second = try #require(await Self.failure { try await client.connect(to: destination) })
        #expect(second.reason.contains("1 keys of the agent (and not its 1 certificates"), "\(second)")
        // The key alone is as good as any other.
        destination.port = server.port
        destination.knownHosts = [try server.knownHosts()]
        try Data(contentsOf: URL(fileURLWithPath: server.folder + "/certified.pub"))
            .write(to: URL(fileURLWithPath: server.folder + "/authorized_keys"))
        #expect(try await client.connect(to: destination).run("true").status == 0)
    }

    @Test func namedKeysOfTheAgentComeFirst() async throws {
        // The server hangs up after two tries.
        let server = try await SSHServer(options: ["MaxAuthTries 2"])
        let agent = try await Agent(folder: server.folder, keys: ["id_stranger", "host_ed25519", "id_ecdsa"])
        defer { agent.end() }
        let client = SSHClient(patience: Self.patience)
        var destination = try server.destination([])
        destination.agent = agent.socket
        #expect(await Self.failure { try await client.connect(to: destination) } != nil)
        destination.identities = [.init(path: server.folder + "/id_ecdsa")]
        #expect(try await client.connect(to: destination).run("true").status == 0)
        destination.identities = [.init(path: server.folder + "/id_absent")]
        destination.identitiesOnly = true
        let error = try #require(await Self.failure { try await client.connect(to: destination) })
        #expect(error.kind == .refused && error.reason.contains("0 keys of the agent"))
    }

    @Test func theAgentLogsIn() async throws {
        let server = try await SSHServer()
        let agent = try await Agent(folder: server.folder, keys: ["id_stranger", "id_ecdsa"])
        defer { agent.end() }
        var destination = try server.destination([])
        destination.agent = agent.socket
        let connection = try await SSHClient(patience: Self.patience).connect(to: destination)
        #expect(try await connection.run("true").status == 0)
    }

    @Test func anUnknownHostIsSentNothing() async throws {
        let server = try await SSHServer()
        var destination = try server.destination()
        destination.knownHosts = ["/nonexistent"]
        let error = try #require(
            await Self.failure { try await SSHClient(patience: Self.patience).connect(to: destination) })
        guard case .unknownHostKey(let key) = error.kind else {
            Issue.record("\(error)")
            return
        }
        let line = try String(contentsOfFile: server.folder + "/host_ed25519.pub", encoding: .utf8).split(
            separator: " ")
        #expect(key.type == "ssh-ed25519" && key.base64 == line[1])
        let shown = try await SSHClient(patience: Self.patience).hostKey(of: destination)
        #expect(shown.key == key && shown.standing == .unknown)
        #expect(!server.log.contains("userauth") && !server.log.contains("Accepted"))
        // The line it gives is the one that makes the host known.
        let file = server.folder + "/trusted"
        try (key.line(host: "127.0.0.1", port: server.port) + "\n").write(
            toFile: file, atomically: true, encoding: .utf8)
        destination.knownHosts = [file]
        _ = try await SSHClient(patience: Self.patience).connect(to: destination)
        #expect(try await SSHClient(patience: Self.patience).hostKey(of: destination).standing == .known)
    }

    @Test func aChangedHostKeyIsAnErrorBeforeTheLogin() async throws {
        let server = try await SSHServer()
        let other = try await SSHServer()
        let lines = try String(contentsOfFile: other.knownHosts(), encoding: .utf8)
        let file = server.folder + "/changed"
        try lines.replacing(":\(other.port)", with: ":\(server.port)").write(
            toFile: file, atomically: true, encoding: .utf8)
        var destination = try server.destination()
        destination.knownHosts = [file]
        let error = try #require(
            await Self.failure { try await SSHClient(patience: Self.patience).connect(to: destination) })
        guard case .changedHostKey = error.kind else {
            Issue.record("\(error)")
            return
        }
        #expect(try await SSHClient(patience: Self.patience).hostKey(of: destination).standing == .changed)
        #expect(!server.log.contains("Accepted"))
    }

    @Test func theKnownTypeOfHostKeyIsAskedFor() async throws {
        let server = try await SSHServer(hostKeys: ["ed25519", "ecdsa"])
        var destination = try server.destination()
        destination.knownHosts = [try server.knownHosts(["ecdsa"])]
        let connection = try await SSHClient(patience: Self.patience).connect(to: destination)
        #expect(await connection.hostKey?.type == "ecdsa-sha2-nistp256")
    }

    @Test func hostsBehindJumpsAreReachedOverOneLoginEach() async throws {
        let (first, second, last) = (try await SSHServer(), try await SSHServer(), try await SSHServer())
        let client = SSHClient(patience: Self.patience)
        let jumps = [try first.destination(), try second.destination()]
        let target = try last.destination()
        let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let connection = try await client.connect(to: target, through: jumps)
                    return try await connection.run("cat", input: payload).output == payload
                }
            }
            for try await same in group { #expect(same) }
        }
        #expect(first.log.components(separatedBy: "Accepted publickey").count == 2)
        #expect(second.log.components(separatedBy: "Accepted publickey").count == 2)
        #expect(last.log.components(separatedBy: "Accepted publickey").count == 9)
    }

    @Test func aConnectionThatEndsInACommandIsLost() async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let error = try #require(await Self.failure { try await connection.run("kill -KILL $PPID; sleep 60") })
        #expect(error.kind == .lost)
        #expect(await Self.failure { try await connection.run("true") }?.kind == .lost)
    }

    @Test func nobodyThereIsToldInWords() async throws {
        let server = try await SSHServer()
        var destination = try server.destination()
        destination.port = 1
        #expect(
            await Self.failure { try await SSHClient(patience: Self.patience).connect(to: destination) }?.reason
                == "Connection refused")
        destination.host = "no-such-host.invalid"
        // A resolver may say that there is no such name, or nothing.
        let unknown = await Self.failure { try await SSHClient(patience: Self.patience).connect(to: destination) }
        #expect(unknown?.kind == .unreachable || unknown?.kind == .timedOut)
    }

    @Test func aSilentServerIsGivenUp() async throws {
        let server = try await SSHServer()
        // A listener whose connections nobody accepts.
        let (descriptor, port) = try silentListener()
        defer { close(descriptor) }
        var destination = try server.destination()
        destination.port = port
        let client = SSHClient(patience: SSHPatience(connect: .milliseconds(300)))
        #expect(await Self.failure { try await client.connect(to: destination) }?.kind == .timedOut)
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let error = await Self.failure { try await connection.run("sleep 60", timeout: .milliseconds(300)) }
        #expect(error?.kind == .timedOut)
    }

    @Test func anUploadGoesOnWhereItEnded() async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let file = server.folder + "/file"
        let bytes = (0..<9_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let digest = Digest.sha256(bytes)
        let path = server.folder + "/it's there"
        // What an earlier transfer left.
        try Data(bytes.prefix(8_999_000)).write(to: URL(fileURLWithPath: path + ".part"))
        #expect(try await connection.upload(file, to: path, mode: "0640", digest: digest) == 1000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(bytes))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)
        #expect(try await connection.upload(file, to: path, mode: "0640", digest: digest) == 0)
        // One that began with other bytes is found out, and the next try is a whole one.
        let second = server.folder + "/second"
        try Data([9, 9, 9]).write(to: URL(fileURLWithPath: second + ".part"))
        #expect(
            await Self.failure { try await connection.upload(file, to: second, mode: "0644", digest: digest) } != nil)
        #expect(!FileManager.default.fileExists(atPath: second))
        #expect(try await connection.upload(file, to: second, mode: "0644", digest: digest) == bytes.count)
    }

    @Test func aCancelledCommandEndsAtOnce() async throws {
        let server = try await SSHServer()
        let connection = try await SSHClient(patience: Self.patience).connect(to: server.destination())
        let task = Task { try await connection.run("echo started > \(server.folder)/started; sleep 600") }
        while !FileManager.default.fileExists(atPath: server.folder + "/started") {
            try await Task.sleep(for: .milliseconds(10))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// An ssh-agent with keys of a server's folder.
private struct Agent {
    let socket: String
    private let process: ChildProcess

    init(folder: String, keys: [String]) async throws {
        socket = folder + "/agent"
        let add = "cd '\(folder)'; SSH_AUTH_SOCK=new; export SSH_AUTH_SOCK; "
        let script =
            add
            + "{ while ! ssh-add -q \(keys.joined(separator: " ")); do sleep 0.1; done; mv new agent; } & exec ssh-agent -D -a new"
        process = try ChildProcess(
            Launch(
                "sh", ["-c", script], environment: ProcessInfo.processInfo.environment, folder: folder,
                output: .nothing, errors: .nothing))
        while !FileManager.default.fileExists(atPath: socket) { try await Task.sleep(for: .milliseconds(20)) }
    }

    func end() { kill(process.pid, SIGTERM) }
}

private func silentListener() throws -> (Int32, Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &size) == 0
        }
    }
    try #require(bound)
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}
