import Foundation
import Testing

/// Hubs on real hosts over SSH: from bare hosts to functions, and what happens to racks meanwhile.
///
/// Each test begins with clean hosts, so that each can be run alone: `swift test --filter RackTests/power`.
@Suite(.serialized, .enabled(Comment(rawValue: Rack.needs), Rack.isPossible), .timeLimit(.minutes(10)))
struct RackTests {
    /// From nothing but sshd to a function that answers; nothing to do then, for one login and one command on each host.
    @Test func bareHosts() async throws {
        let rack = try await Rack.shared
        let names = ["bare", "r1-n02", "r1-n03", "r1-n04"]
        try await rack.clean("r1-n02", "r1-n03", "r1-n04")
        let cluster = try await RackCluster(rack, hosts: names)
        try await cluster.apply()
        try await cluster.answers()
        try await rack.on("r1-n03", "! grep -rF \(rack.password) /var/lib/osiris /etc/systemd /var/log")

        var before: [String: (logins: Int, sessions: Int)] = [:]
        for name in names { before[name] = try await rack.traffic(name) }
        try await cluster.isSettled()
        for name in names {
            let now = try await rack.traffic(name)
            #expect(now.logins - before[name]!.logins == 1, "logins on \(name)")
            // The probe, and no other command: the hub is asked through a tunnel.
            #expect(now.sessions - before[name]!.sessions == 1, "commands on \(name)")
        }
        try await cluster.osiris("destroy", "--auto-approve")
        #expect(try await rack.on("bare", "command -v podman || echo gone") == "gone")
    }

    /// A host whose line is removed is as it was; the others go on.
    @Test func removedLine() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r1-n01", "r1-n02")
        let before = try await rack.files("r1-n02")
        let cluster = try await RackCluster(rack, hosts: ["r1-n01", "r1-n02"])
        try await cluster.apply()
        try cluster.write(hosts: ["r1-n01"])
        try await cluster.apply()
        let after = try await rack.files("r1-n02")
        // The fence stays, against runs that slept.
        let more = after.subtracting(before).filter { !$0.hasPrefix("/var/lib/osiris/fence ") }
        #expect(more.isEmpty, "\(more.sorted())")
        #expect(before.subtracting(after).isEmpty, "\(before.subtracting(after).sorted())")
        #expect(
            try await rack.on("r1-n02", "systemctl list-units --all 'osiris*' --no-legend; podman ps --all --quiet")
                == "")
        try await cluster.answers()
        try await cluster.isSettled()
    }

    /// Hubs come back by themselves after a restart and after a power loss.
    @Test func power() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r1-n01", "r1-n02")
        let cluster = try await RackCluster(rack, hosts: ["r1-n01", "r1-n02"])
        try await cluster.apply()
        try await rack.act("reboot", "r1-n01")
        try await rack.act("cut", "r1-n02")
        try await rack.act("boot", "r1-n02")
        for name in ["r1-n01", "r1-n02"] {
            try await rack.on(name, Rack.ready)
        }
        try await cluster.isSettled()
        try await cluster.answers()
    }

    /// A host that shows another key gets no login and no command.
    @Test func wrongHostKey() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r1-n01", "r1-n02")
        let cluster = try await RackCluster(rack, hosts: ["r1-n01", "r1-n02"])
        let (right, wrong) = (try rack.host("r1-n01").address, try rack.host("r1-n02").address)
        let known = try cluster.scratch.read("known_hosts").split(separator: "\n")
        let other = try #require(known.first { $0.hasPrefix(right + ",") })
        let lines = known.map { line -> String in
            guard line.hasPrefix(wrong + ",") else { return String(line) }
            return String(line.prefix { $0 != " " } + other.drop { $0 != " " })
        }
        try cluster.scratch.write(lines.joined(separator: "\n") + "\n", to: "known_hosts")
        let before = try await rack.traffic("r1-n02")
        let answer = try await cluster.apply(1)
        #expect(answer.description.contains("OSR0703"), "\(answer)")
        let after = try await rack.traffic("r1-n02")
        #expect(after == before, "somebody logged in")
        // The other host is set up all the same.
        try await rack.on("r1-n01", Rack.ready)
        try await rack.clean("r1-n01")
    }
}
