import Foundation
import Testing

/// What people do to hosts that are set up, and what becomes of runs that are killed.
@Suite(.serialized, .enabled(Comment(rawValue: Rack.needs), Rack.isPossible), .timeLimit(.minutes(10)))
struct LifeRackTests {
    /// A host without its network is set aside, and the others are changed.
    @Test func unplugged() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r3-n01", "r3-n02")
        let cluster = try await RackCluster(rack, hosts: ["r3-n01", "r3-n02"])
        try await cluster.apply()
        try await rack.act("unplug", "r3-n02")
        let source = try cluster.scratch.read("functions/hello/hello.py")
        try cluster.scratch.write(source + "# changed\n", to: "functions/hello/hello.py")
        let answer: Program.Answer
        do {
            answer = try await cluster.osiris("apply", "--auto-approve")
        } catch {
            try await rack.act("plug", "r3-n02")
            throw error
        }
        try await rack.act("plug", "r3-n02")
        #expect(answer.status == 1 && answer.description.contains("Set aside: 1"), "\(answer)")
        try await cluster.apply()
        try await cluster.isSettled()
    }

    /// A cordoned host keeps what runs and gets nothing new; a drained one serves nothing until it is let back.
    @Test func cordon() async throws {
        let rack = try await Rack.shared
        let names = ["r3-n01", "r3-n02"]
        try await rack.clean("r3-n01", "r3-n02")
        let cluster = try await RackCluster(rack, hosts: names)
        let nobody = try await cluster.osiris("hosts", "cordon")
        #expect(nobody.status != 0 && nobody.err.contains("no host is named"), "\(nobody)")
        let early = try await cluster.osiris("hosts", "cordon", "--host", "r3-n02")
        #expect(early.status == 1 && early.err.contains("apply first"), "\(early)")
        try await cluster.apply()

        try cluster.write(hosts: names, hub: ", alerts: [{url: \"http://127.0.0.1:9/\", on: [crash-loop]}]")
        try await cluster.osiris("plan", "--out", "early.plan")
        let cordoned = try await cluster.osiris("hosts", "cordon", "--host", "r3-n02", "--reason", "new disk")
        #expect(cordoned.status == 0, "\(cordoned)")
        // A plan that was made before would change it.
        let stale = try await cluster.osiris("apply", "early.plan")
        #expect(stale.status == 4 && stale.err.contains("OSR0310") && stale.err.contains("new disk"), "\(stale)")
        let started = "systemctl show --property=ActiveEnterTimestampMonotonic osiris-hub"
        let before = try await rack.on("r3-n02", started)
        let answer = try await cluster.apply()
        #expect(answer.out.contains("Left alone: 1.") && answer.out.contains("new disk"), "\(answer)")
        #expect(try await rack.on("r3-n02", started) == before)
        let probe = try await cluster.osiris("hosts", "probe")
        #expect(probe.out.contains("active, cordoned"), "\(probe)")

        let drained = try await cluster.osiris("hosts", "drain", "--host", "r3-n02")
        #expect(drained.status == 0, "\(drained)")
        try await rack.act("reboot", "r3-n02")
        #expect(try await rack.on("r3-n02", "systemctl is-active osiris-hub || true") == "inactive")
        let left = try await cluster.apply()
        #expect(left.out.contains("Left alone: 1.") && left.out.contains("drained"), "\(left)")
        #expect(try await rack.on("r3-n02", "systemctl is-active osiris-hub || true") == "inactive")
        try await cluster.answers()

        let back = try await cluster.osiris("hosts", "uncordon", "--host", "r3-n02")
        #expect(back.status == 0, "\(back)")
        #expect(try await rack.on("r3-n02", "systemctl is-active osiris-hub") == "active")
        try await cluster.apply()
        try await cluster.isSettled()
        // Its line may go while it is cordoned.
        try await cluster.osiris("hosts", "drain", "--host", "r3-n02")
        try cluster.write(hosts: ["r3-n01"])
        try await cluster.apply()
        #expect(try await rack.on("r3-n02", "ls /var/lib/osiris") == "fence")
    }
}
