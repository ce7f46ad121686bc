import Foundation
import OsirisModel
import Testing

@testable import ProviderSSH

/// Firewalls of hosts, from files as ufw 0.36 and firewalld 1.3 write them.
@Suite struct FirewallTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What the probe finds where `/etc`, `/usr/lib` and the programs are below `folder`.
    private func firewall(_ shell: [String]) async throws -> HostFacts.Firewall? {
        let script = String(decoding: PackageResources.probe_sh, as: UTF8.self)
            .replacing("/etc/ufw", with: folder.path + "/etc/ufw")
            .replacing("/etc/default/ufw", with: folder.path + "/etc/default/ufw")
            .replacing("/etc/firewalld", with: folder.path + "/etc/firewalld")
            .replacing("/usr/lib/firewalld", with: folder.path + "/usr/lib/firewalld")
        let output = folder.path + "/output"
        try? FileManager.default.removeItem(atPath: output)
        let pid = try Launch(
            shell[0], Array(shell.dropFirst()) + ["-c", script, "sh", "/nonexistent/osiris"],
            environment: ["PATH": folder.path + "/bin:/usr/bin:/bin"], folder: folder.path, output: .file(output),
            errors: .nothing
        ).start()
        #expect(await Launch.end(of: pid) == 0)
        let bytes = Array(folder.text("output").utf8)
        return try #require(HostFacts(bytes, began: 0, ended: 1), "\(folder.text("output"))").firewall
    }

    @Test(arguments: ProbeTests.shells) func ufw(_ shell: [String]) async throws {
        #expect(try await firewall(shell) == nil)
        try folder.write("ENABLED=no\n", to: "etc/ufw/ufw.conf")
        #expect(try await firewall(shell) == nil)
        try folder.write("# a comment\nENABLED=yes\nLOGLEVEL=low\n", to: "etc/ufw/ufw.conf")
        #expect(try await firewall(shell) == .init(name: "ufw", ports: nil))
        try folder.write("DEFAULT_INPUT_POLICY=\"DROP\"\n", to: "etc/default/ufw")
        try folder.write(
            """
            *filter
            ### RULES ###

            ### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
            -A ufw-user-input -p tcp --dport 22 -j ACCEPT

            ### tuple ### limit tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in
            ### tuple ### allow udp 53 0.0.0.0/0 any 0.0.0.0/0 in
            ### tuple ### allow any 8000:8100 0.0.0.0/0 any 10.0.0.0/8 in_eth0
            ### tuple ### deny tcp 9000 0.0.0.0/0 any 0.0.0.0/0 in
            ### tuple ### allow tcp 25 0.0.0.0/0 any 0.0.0.0/0 out
            ### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20Full - in
            ### END RULES ###

            """, to: "etc/ufw/user.rules")
        #expect(
            try await firewall(shell)
                == .init(name: "ufw", ports: [22...22, 2222...2222, 8000...8100, 80...80, 443...443]))
        try folder.write("DEFAULT_INPUT_POLICY=\"ACCEPT\"\n", to: "etc/default/ufw")
        #expect(try await firewall(shell)?.letsIn(1234) == true)
    }

    @Test(arguments: ProbeTests.shells) func firewalld(_ shell: [String]) async throws {
        try folder.write("# a comment\nDefaultZone=public\n", to: "etc/firewalld/firewalld.conf")
        let zone = { (lines: String) in
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<zone>\n  <short>Public</short>\n\(lines)\n  <forward/>\n</zone>\n"
        }
        try folder.write(zone("  <service name=\"ssh\"/>"), to: "usr/lib/firewalld/zones/public.xml")
        try folder.write(
            "<service>\n  <port protocol=\"tcp\" port=\"22\"/>\n  <port protocol=\"udp\" port=\"99\"/>\n</service>\n",
            to: "usr/lib/firewalld/services/ssh.xml")
        try folder.write(program: "#!/bin/sh\nexit 3\n", to: "bin/systemctl")
        #expect(try await firewall(shell) == nil, "it does not run")
        try folder.write(program: "#!/bin/sh\nexit 0\n", to: "bin/systemctl")
        #expect(try await firewall(shell) == .init(name: "firewalld", ports: [22...22]))
        // The administrator's zone counts before the distribution's.
        let ports =
            "  <service name=\"ssh\"/>\n  <port port=\"8000-8100\" protocol=\"tcp\"/>\n  <port port=\"53\" protocol=\"udp\"/>"
        try folder.write(zone(ports), to: "etc/firewalld/zones/public.xml")
        #expect(
            Set(try await firewall(shell)?.ports ?? []) == [22...22, 8000...8100])
        // Who comes from where, and rules of one's own, are not looked into.
        try folder.write(zone("  <rule family=\"ipv4\"><accept/></rule>"), to: "etc/firewalld/zones/public.xml")
        #expect(try await firewall(shell) == .init(name: "firewalld", ports: nil))
        try folder.write(
            zone("").replacing("<zone>", with: "<zone target=\"ACCEPT\">"), to: "etc/firewalld/zones/public.xml")
        #expect(try await firewall(shell)?.letsIn(8080) == true)
        try folder.write(zone("  <interface name=\"eth1\"/>"), to: "etc/firewalld/zones/internal.xml")
        #expect(try await firewall(shell) == .init(name: "firewalld", ports: nil))
    }

    /// Said before the hub is there, and in nobody's way.
    @Test func isTold() throws {
        var facts = try #require(
            HostFacts(
                Array(#"{"arch":"x86_64","rights":"root","listening":{},"packages":"apt-get","clock":0}"#.utf8),
                began: 0, ended: 1))
        let wishes = HostWishes(cluster: "edge", address: "rack-a/host.n1", port: 8080)
        facts.firewall = .init(name: "ufw", ports: [22...22])
        let faults = HostPreflight.faults(facts, wishes, of: "n1")
        #expect(faults.map(\.code) == [.hostFirewall] && !faults.hasErrors)
        #expect(faults[0].help?.contains("ufw allow 8080/tcp") == true)
        facts.firewall?.ports = nil
        #expect(HostPreflight.faults(facts, wishes, of: "n1").isEmpty)
        facts.firewall?.ports = [8000...8100]
        #expect(HostPreflight.faults(facts, wishes, of: "n1").isEmpty)
        facts.firewall?.ports = []
        facts.listening = [8080: ""]
        facts.markers["host"] = Array(#"{"cluster":"edge","address":"rack-a/host.n1"}"#.utf8)
        facts.markers["hub"] = []
        #expect(HostPreflight.faults(facts, wishes, of: "n1").isEmpty)
    }
}
