import Foundation
import Testing

/// Hosts that are unlike the others: behind a jump host, without sudo, without packages, with a small disk.
@Suite(.serialized, .enabled(Comment(rawValue: Rack.needs), Rack.isPossible), .timeLimit(.minutes(10)))
struct OddRackTests {
    /// A host behind another, which this machine does not reach.
    @Test func jumpHost() async throws {
        let rack = try await Rack.shared
        try await rack.clean("inner")
        let jump = try rack.host("bastion").address
        let cluster = try await RackCluster(rack, hosts: ["inner"], settings: ["jump: [ops@\(jump)]"])
        try await cluster.apply()
        try await cluster.answers()
        let before = try await rack.traffic("bastion")
        try await cluster.isSettled()
        let after = try await rack.traffic("bastion")
        #expect(after.logins - before.logins == 1, "logins on the bastion")
        #expect(after.sessions == before.sessions, "commands on the bastion")
    }

    /// A full disk is said before anything is written, and is no reason to leave the other hosts alone.
    @Test func fullDisk() async throws {
        let rack = try await Rack.shared
        try await rack.clean("small", "doas")
        let cluster = try await RackCluster(rack, hosts: ["small", "doas"])
        try await rack.act("fill", "small")
        let answer = try await cluster.apply(1)
        #expect(answer.description.contains("small") && answer.description.contains("disk"), "\(answer)")
        try await rack.on("doas", Rack.ready)
        try await rack.act("free", "small")
        try await cluster.apply()
        try await cluster.isSettled()
    }

    /// A host with doas in place of sudo, one that only a password opens, and one that gives nobody root's rights.
    @Test func rights() async throws {
        let rack = try await Rack.shared
        let names = ["doas", "password", "no-sudo"]
        try await rack.clean("doas", "password", "no-sudo")
        let before = try await rack.files("no-sudo")
        let cluster = try await RackCluster(rack, hosts: names, settings: ["password: \"${var.password}\""])
        let answer = try await cluster.apply(1)
        #expect(answer.description.contains("OSR0705") && answer.description.contains("no-sudo"), "\(answer)")
        #expect(try await rack.files("no-sudo") == before)
        let listed = try await cluster.osiris("functions", "list", "--json")
        #expect(listed.status == 0 && listed.out.contains("doas") && listed.out.contains("password"), "\(listed)")

        try cluster.write(hosts: ["doas", "password"], settings: ["password: \"${var.password}\""])
        try await cluster.apply()
        try await cluster.isSettled()
        // These have the state alone, and ask the manifest for what it must not hold.
        let state = try Data(contentsOf: cluster.scratch.url.appendingPathComponent(".osiris/state.db"))
        #expect(state.firstRange(of: Data(rack.password.utf8)) == nil)
        let info = try await cluster.osiris("hub", "info", "--json")
        let rows = try #require(info.json as? [[String: Any]], "\(info)")
        #expect(rows.count == 2 && rows.allSatisfy { $0["ready"] as? Bool == true }, "\(info)")
        let token = try await cluster.osiris("hub", "token", "--machine", "password")
        let other = try await cluster.osiris("hub", "token", "--machine", "doas")
        #expect(token.status == 0 && other.status == 0 && token.out != other.out, "\(token) \(other)")
    }
}
