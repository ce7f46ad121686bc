import Foundation
import Testing

extension RackTests {
    /// One of four hosts is dead: the others are set up, and the next run touches only it.
    @Test func deadHost() async throws {
        let rack = try await Rack.shared
        let names = ["r1-n01", "r1-n02", "r1-n03", "r1-n04"]
        try await rack.clean("r1-n01", "r1-n02", "r1-n03", "r1-n04")
        let cluster = try await RackCluster(rack, hosts: names)
        try await rack.act("cut", "r1-n02")
        let answer: Program.Answer
        do {
            answer = try await cluster.apply(1)
        } catch {
            try await rack.act("boot", "r1-n02")
            throw error
        }
        try await rack.act("boot", "r1-n02")
        #expect(answer.description.contains("r1-n02"), "\(answer)")
        try await cluster.answers()
        let starts = try await rack.on("r1-n01", "systemctl show --property=ActiveEnterTimestamp osiris-hub")
        let plan = try await cluster.osiris("plan", "--format", "json")
        let changes = try #require((plan.json as? [String: Any])?["changes"] as? [[String: Any]], "\(plan)")
        let touched = changes.filter { $0["action"] as? String != "no-op" }.compactMap { $0["address"] as? String }
        #expect(!touched.isEmpty && touched.allSatisfy { $0.contains("r1-n02") }, "\(touched)")
        try await cluster.apply()
        try await cluster.isSettled()
        #expect(try await rack.on("r1-n01", "systemctl show --property=ActiveEnterTimestamp osiris-hub") == starts)
    }

    /// sshd dies in the middle of the image's upload: what has arrived stays, and is not sent again.
    @Test func killedUpload() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r1-n01")
        try await rack.on("r1-n01", "podman rmi --all --force >/dev/null 2>&1 || true")
        let cluster = try await RackCluster(rack, hosts: ["r1-n01"])
        let image = try #require(RackCluster.image)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: image)[.size] as? Int)
        let sent = try rack.sent(to: "r1-n01")
        // The host itself kills sshd with all its sessions once a third has arrived, and says how much there was then.
        async let killed = rack.on(
            "r1-n01",
            """
            i=0
            until size=$(stat -c %s /var/lib/osiris/upload/* 2>/dev/null) && [ "$size" -gt \(size / 3) ]; do
                i=$((i + 1)); [ $i -lt 12000 ] || exit 1; sleep 0.005
            done
            pkill -KILL -x sshd
            cat /var/lib/osiris/upload/* | wc -c
            """)
        let running = try cluster.start("apply", "--auto-approve")
        let arrived = try #require(Int(try await killed))
        try #require(
            arrived > size / 3 && arrived < size, "sshd was killed too late: \(arrived) of \(size) bytes had arrived")
        let answer = try await running.wait()
        if answer.status != 0 { try await cluster.apply() }
        let total = try rack.sent(to: "r1-n01") - sent
        #expect(total > size && total < size + size / 4, "sent \(total) bytes for an image of \(size)")
        try await cluster.isSettled()
        try await cluster.answers()
    }
}
