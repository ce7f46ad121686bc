import OsirisModel
import OsirisTransport
import Testing

@testable import OsirisProviderKit

/// From a login's settings to a way to the host.
@Suite struct HostLoginTests {
    private func surroundings(_ config: String = "", files: Set<String> = []) -> SSHSurroundings {
        SSHSurroundings(
            home: "/home/ada", user: "ada", agent: "/run/agent", config: SSHConfigFile(text: config),
            exists: { files.contains($0) })
    }

    @Test func itGoesIntoTheStateAndBack() {
        let logins = [
            HostLogin(address: "r1-n01.dc1"),
            HostLogin(
                address: "10.0.0.1", port: 2222, user: "ops", identity: ["~/.ssh/id", "keys/id"], agent: false,
                jump: ["ops@bastion:22"], hostKeys: "keys/rack"),
            HostLogin(address: "a", jump: []),
        ]
        for login in logins { #expect(HostLogin(login.value) == login) }
        #expect(HostLogin("a") == nil && HostLogin([:]) == nil)
        #expect(HostLogin.of([["url": "x"], ["login": logins[1].value], ["login": logins[0].value]]) == logins[1])
        #expect(HostLogin.of([["url": "x"]]) == nil)
    }

    @Test func theDefaultsAreOpenSSHs() throws {
        let route = try HostLogin(address: "n1").route(
            folder: "/work", in: surroundings(files: ["/home/ada/.ssh/id_rsa", "/home/ada/.ssh/id_ed25519"]))
        #expect(route.jumps.isEmpty && route.text == "ada@n1")
        #expect(route.destination.identities.map(\.path) == ["/home/ada/.ssh/id_ed25519", "/home/ada/.ssh/id_rsa"])
        #expect(route.destination.agent == "/run/agent")
        #expect(
            route.destination.knownHosts == [
                "/home/ada/.ssh/known_hosts", "/home/ada/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts",
            ])
    }

    @Test func theManifestGoesBeforeTheConfigFile() throws {
        let config = """
            Host n*
                HostName %h.dc1.example
                User carl
                Port 2200
                IdentityFile ~/.ssh/rack
                UserKnownHostsFile ~/.ssh/rack_hosts
                ProxyJump bastion
            Host bastion
                HostName 203.0.113.7
                User gate
            """
        let plain = try HostLogin(address: "n1").route(folder: "/work", in: surroundings(config))
        #expect(plain.text == "carl@n1.dc1.example:2200 via gate@203.0.113.7")
        #expect(plain.destination.identities.map(\.path) == ["/home/ada/.ssh/rack"])
        #expect(plain.destination.knownHosts == ["/home/ada/.ssh/rack_hosts", "/etc/ssh/ssh_known_hosts"])
        let own = HostLogin(
            address: "n1", port: 22, user: "ops", identity: ["keys/id", "~/id"], agent: false, jump: [],
            hostKeys: "keys/hosts")
        let route = try own.route(
            folder: "/work", secrets: .init(password: "p", passphrase: "q"), in: surroundings(config))
        #expect(route.text == "ops@n1.dc1.example")
        #expect(
            route.destination.identities == [
                .init(path: "/work/keys/id", passphrase: "q"), .init(path: "/home/ada/id", passphrase: "q"),
            ])
        #expect(route.destination.agent == nil && route.destination.password == "p")
        #expect(route.destination.knownHosts == ["/work/keys/hosts"])
    }

    @Test func jumpHostsLeadToEachOther() throws {
        let config = "Host near\n  ProxyJump ops@gate:2222\nHost loop\n  ProxyJump loop\n"
        let login = HostLogin(address: "n1", jump: ["near", "far@[2001:db8::1]:23"])
        let route = try login.route(folder: "/", secrets: .init(password: "p"), in: surroundings(config))
        #expect(route.jumps.map(\.text) == ["ops@gate:2222", "ada@near", "far@2001:db8::1:23"])
        #expect(route.jumps.allSatisfy { $0.password == nil })
        for (jump, reason) in [("loop", "circle"), ("a b", "[user@]host[:port]"), ("h:0", "`h:0`")] {
            let fault = #expect(throws: HostLogin.Fault.self) {
                try HostLogin(address: "n1", jump: [jump]).route(folder: "/", in: surroundings(config))
            }
            #expect(fault?.description.contains(reason) == true)
        }
        for text in ["", "@h", "h:x", "h:70000", "-oProxyCommand=x", "a/b"] {
            #expect(HostLogin(jump: text) == nil, "\(text)")
        }
    }
}
