import Foundation
import Testing

/// `osiris hosts` with a real sshd on loopback, which two names lead to.
@Suite(.serialized) struct HostsTests {
    /// An sshd with keys of its own, and a manifest that names it as the hosts `n1` and `n2`, and a host `gone`.
    private final class Rack: Sendable {
        let folder: URL
        private let sshd: Int32

        private static let script = """
            cd "$1"
            for key in host other id; do ssh-keygen -q -t ed25519 -N '' -f $key; done
            cp id.pub authorized_keys
            mkdir -p /run/sshd
            # Not by exec: sshd closes what Foundation tells a child's end by, and would be waited for.
            /usr/sbin/sshd -D -E log -f /dev/null -o "ListenAddress=127.0.0.1" -o "Port=$2" -o PidFile=none \\
                -o UsePAM=no -o StrictModes=no -o "AuthorizedKeysFile=$1/authorized_keys" -o "HostKey=$1/host" \\
                -o PermitRootLogin=yes &
            echo $! > pid
            wait
            """

        init() async throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-hosts-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let (sshd, port) = try await Self.start(folder.path)
            self.sshd = sshd
            try """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              targets:
                - name: rack-a
                  provider: ssh
                  hosts: [{host: 127.0.0.1, name: n1}, {host: localhost, name: n2}]
                  port: \(port)
                  identity: id
                  agent: false
                  hostKeys: keys/rack-a.known_hosts
                - name: rack-b
                  provider: ssh
                  hosts: [{host: 127.0.0.1, name: gone, port: 1, domain: far}]
            """.write(to: folder.appendingPathComponent("cluster.yaml"), atomically: true, encoding: .utf8)
        }

        /// On a port that is free.
        private static func start(_ folder: String) async throws -> (sshd: Int32, port: Int) {
            var failure: any Error = POSIXError(.EADDRINUSE)
            for _ in 0..<20 {
                let port = try freePort()
                do { return (try await start(folder, port), port) } catch { failure = error }
            }
            throw failure
        }

        private static func start(_ folder: String, _ port: Int) async throws -> Int32 {
            for name in ["host", "other", "id"] { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
            for name in ["log", "pid"] { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script, "sh", folder, String(port)]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            while process.isRunning {
                let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
                let pid = (try? String(contentsOfFile: folder + "/pid", encoding: .utf8)) ?? ""
                if log.contains("Server listening"), let pid = Int32(pid.dropLast()) { return pid }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw POSIXError(.EADDRINUSE)
        }

        deinit {
            kill(sshd, SIGKILL)
            try? FileManager.default.removeItem(at: folder)
        }

        func hosts(_ words: String...) async throws -> Program.Answer {
            try await Program.Running(["hosts"] + words, in: folder).wait()
        }

        var keys: URL { folder.appendingPathComponent("keys/rack-a.known_hosts") }
    }

    @Test func keysAreTrustedOnce() async throws {
        let rack = try await Rack()
        // Nobody is spoken to before, and nobody can be asked here.
        let stranger = try await rack.hosts("exec", "--target", "rack-a", "--", "touch \(rack.folder.path)/done")
        #expect(stranger.status == 1 && stranger.err.contains("OSR0702"), "\(stranger)")
        #expect(!FileManager.default.fileExists(atPath: rack.folder.path + "/done"))
        let alone = try await rack.hosts("trust", "--target", "rack-a")
        #expect(alone.status == 1 && alone.err.contains("add --yes") && alone.out.contains("SHA256:"), "\(alone)")
        #expect(!FileManager.default.fileExists(atPath: rack.keys.path))

        let trusted = try await rack.hosts("trust", "--target", "rack-a", "--yes")
        #expect(trusted.status == 0 && trusted.out.contains("new"), "\(trusted)")
        let file = try String(contentsOf: rack.keys, encoding: .utf8)
        let shown = try String(contentsOf: rack.folder.appendingPathComponent("host.pub"), encoding: .utf8)
        let key = shown.split(separator: " ").prefix(2).joined(separator: " ")
        let lines = file.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasSuffix(key) } && lines == lines.sorted())
        let again = try await rack.hosts("trust", "--target", "rack-a", "--yes")
        #expect(again.status == 0 && again.out.contains("known") && !again.err.contains("wrote"), "\(again)")

        // Another key in the file: nothing is sent, and it is replaced only by name.
        let other = try String(contentsOf: rack.folder.appendingPathComponent("other.pub"), encoding: .utf8)
        let wrong = other.split(separator: " ").prefix(2).joined(separator: " ")
        try file.replacing(key, with: wrong).write(to: rack.keys, atomically: true, encoding: .utf8)
        let changed = try await rack.hosts("exec", "--target", "rack-a", "--", "touch \(rack.folder.path)/done")
        #expect(changed.status == 1 && changed.err.contains("OSR0703"), "\(changed)")
        let refused = try await rack.hosts("trust", "--target", "rack-a", "--yes")
        #expect(
            refused.status == 1 && refused.out.contains("CHANGED") && refused.err.contains("--replace n1"), "\(refused)"
        )
        #expect(!FileManager.default.fileExists(atPath: rack.folder.path + "/done"))
        #expect(try await rack.hosts("trust", "--yes", "--replace", "n1", "--host", "n1").status == 0)
        let mended = try String(contentsOf: rack.keys, encoding: .utf8)
        #expect(mended.contains("[127.0.0.1]:") && mended.components(separatedBy: key).count == 2)
        #expect(mended.components(separatedBy: wrong).count == 2)
    }

    @Test func commandsRunEverywhereAndEqualOutputsAreOne() async throws {
        let rack = try await Rack()
        #expect(try await rack.hosts("trust", "--target", "rack-a", "--yes").status == 0)
        let same = try await rack.hosts("exec", "--target", "rack-a", "--", "printf", "%s|", "a b", "$HOME", "it's")
        #expect(same.status == 0 && same.out == "== n1, n2 (2 hosts)\na b|$HOME|it's|\n", "\(same)")
        let apart = try await rack.hosts(
            "exec", "--target", "rack-a", "--", "mkdir \(rack.folder.path)/once 2>/dev/null && echo first")
        #expect(apart.status == 1 && apart.out.contains("first\n") && apart.out.contains(", exit 1\n"), "\(apart)")
        let some = try await rack.hosts("exec", "--become", "--timeout", "60s", "--json", "--", "id -u; echo bad >&2")
        let answers = try #require(try some.json as? [[String: Any]])
        #expect(some.status == 1 && answers.count == 3, "\(some)")
        #expect(answers[0]["output"] as? String == "0\n" && answers[0]["errors"] as? String == "bad\n")
        #expect((answers[2]["error"] as? String)?.contains("Connection refused") == true)
        let late = try await rack.hosts("exec", "--host", "n1", "--timeout", "1s", "--", "sleep 600")
        #expect(late.status == 1 && late.err.contains("took too long"), "\(late)")
        #expect(try await rack.hosts("exec", "--host", "x*", "--", "true").err.contains("OSR0307"))
    }

    @Test func aLookTellsEveryFault() async throws {
        let rack = try await Rack()
        #expect(try await rack.hosts("trust", "--target", "rack-a", "--yes").status == 0)
        let probe = try await rack.hosts("probe")
        #expect(probe.status == 1 && probe.out.contains("root") && probe.out.contains("x86_64"), "\(probe)")
        // Two names of one machine, and one that does not answer, in one run.
        #expect(probe.err.contains("OSR0713") && probe.err.contains("OSR0701"), "\(probe)")
        let json = try await rack.hosts("probe", "--host", "n1", "--json")
        let looks = try #require(try json.json as? [[String: Any]])
        let facts = try #require(looks.first?["facts"] as? [String: Any])
        #expect(facts["kernel"] as? String != nil && facts["rights"] as? String == "root", "\(json)")
        let list = try await rack.hosts("list")
        #expect(list.status == 0 && list.out.contains("gone") && list.out.contains("far"), "\(list)")
        #expect(list.out.components(separatedBy: " new").count == 4, "\(list)")
    }
}
