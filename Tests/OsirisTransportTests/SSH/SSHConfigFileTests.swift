import Foundation
import Testing

@testable import OsirisTransport

/// `ssh_config`, compared with what `ssh -G` makes of the same file.
@Suite struct SSHConfigFileTests {
    private static let text = """
        # one for all
        Host *.dc1.example !bastion.dc1.example
            ProxyJump ops@bastion.dc1.example,10.0.0.1:2222
            IdentityFile ~/.ssh/dc1
            Port = 2200
        host r?-n[01]  "odd name"
            HostName %h.internal
            User "rack user"
        Match host secret.example
            User nobody
        Match all
            UserKnownHostsFile /etc/a /etc/b
        Host *
            User ops
            Port 22
            IdentityFile /keys/%r@%h
            HostKeyAlias=alias
            IdentitiesOnly yes
        """

    @Test func theFirstValueCountsAndIdentitiesAddUp() {
        let file = SSHConfigFile(text: Self.text)
        let node = file.settings(for: "n1.dc1.example", home: "/home/ada")
        #expect(node.port == 2200 && node.user == "ops")
        #expect(node.jumps == ["ops@bastion.dc1.example", "10.0.0.1:2222"])
        #expect(node.identityFiles == ["/home/ada/.ssh/dc1", "/keys/ops@n1.dc1.example"])
        #expect(node.knownHosts == ["/etc/a", "/etc/b"] && node.hostKeyAlias == "alias" && node.identitiesOnly)
        let bastion = file.settings(for: "bastion.dc1.example", home: "/home/ada")
        #expect(bastion.jumps == nil && bastion.port == 22)
        let rack = file.settings(for: "odd name")
        #expect(rack.user == "rack user" && rack.hostName == "odd name.internal")
        #expect(file.settings(for: "secret.example").user == "ops")
        #expect(SSHConfigFile(text: "ProxyJump none\nProxyJump x").settings(for: "a").jumps == [])
    }

    @Test func includedFilesEndWithTheirLine() {
        let text = "Host a\nInclude more\nPort 7\nHost b\nPort 8\n"
        let file = SSHConfigFile(text: text) { $0 == "more" ? ["Host z\nUser zed\n", "Host *\nUser all\n"] : [] }
        #expect(file.settings(for: "a").port == 7)
        #expect(file.settings(for: "b").port == 8)
        #expect(file.settings(for: "z").user == "zed")
        let endless = SSHConfigFile(text: "Include x\nUser end") { _ in ["Include x\n"] }
        #expect(endless.settings(for: "a").user == "end")
    }

    @Test(arguments: ["n1.dc1.example", "bastion.dc1.example", "r1-n0", "other", "Host", "x.DC1.example"])
    func itReadsWhatOpenSSHReads(_ host: String) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/osiris-ssh-config-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = Self.text.replacing("Host *\n    User ops", with: "Host *\n    ConnectTimeout 3\n    User ops")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let output = Pipe()
        let ssh = Process()
        ssh.executableURL = URL(fileURLWithPath: "/usr/bin/ssh")
        ssh.arguments = ["-G", "-F", path, host]
        ssh.standardOutput = output
        try ssh.run()
        let said = await withCheckedContinuation { waiter in
            // On a thread of its own: there are few that all tests share.
            Thread.detachNewThread { waiter.resume(returning: output.fileHandleForReading.readDataToEndOfFile()) }
        }
        let lines = String(decoding: said, as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        func values(_ key: String) -> [String] { lines.filter { $0[0] == key && $0.count == 2 }.map { $0[1] } }
        let settings = SSHConfigFile(text: text).settings(for: host)
        #expect(settings.user == values("user").first)
        #expect(settings.port == values("port").first.flatMap { Int($0) })
        #expect((settings.hostName ?? host).lowercased() == values("hostname").first)
        // OpenSSH puts every host with a port in brackets.
        let jumps = values("proxyjump").first?.filter { !"[]".contains($0) }
        #expect(settings.jumps?.joined(separator: ",") == jumps)
        #expect(settings.knownHosts.joined(separator: " ") == values("userknownhostsfile").first)
    }
}
