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
        try await cluster.osiris("destroy", "--auto-approve")
    }

    /// sshd dies in the middle of the image's upload: what has arrived stays, and is not sent again.
    @Test func killedUpload() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r1-n01")
        try await rack.on("r1-n01", "podman rmi --all --force >/dev/null 2>&1 || true")
        let cluster = try await RackCluster(rack, hosts: ["r1-n01"])
        let image = try #require(RackCluster.image)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: image)[.size] as? Int)
        // Slow enough to be met in the middle.
        try await rack.act("rtt", "200ms")
        let sent = try rack.sent(to: "r1-n01")
        let running = try cluster.start("apply", "--auto-approve")
        // A third has arrived.
        try await rack.on(
            "r1-n01",
            """
            i=0
            until [ "$(cat /var/lib/osiris/upload/* 2>/dev/null | wc -c)" -gt \(size / 3) ]; do
                i=$((i + 1)); [ $i -lt 1200 ] || exit 1; sleep 0.05
            done
            """)
        try await rack.act("kill-sshd", "r1-n01")
        let answer = try await running.wait()
        if answer.status != 0 { try await cluster.apply() }
        let total = try rack.sent(to: "r1-n01") - sent
        try await rack.act("rtt", "0")
        #expect(total > size && total < size + size / 4, "sent \(total) bytes for an image of \(size)")
        try await cluster.isSettled()
        try await cluster.answers()
        try await cluster.osiris("destroy", "--auto-approve")
    }

    /// Killed at 30 moments of bringing a host up and of changing it; the next run always finishes the work.
    ///
    /// Three clusters of one host each, side by side: most of the time a run waits for its host.
    @Test func kills() async throws {
        let rack = try await Rack.shared
        let names = ["r1-n01", "r1-n02", "r1-n03"]
        try await rack.clean("r1-n01", "r1-n02", "r1-n03")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (lane, name) in names.enumerated() {
                let moments = stride(from: lane, to: 30, by: names.count)
                group.addTask { try await Self.kill(on: name, of: rack, at: Array(moments)) }
            }
            try await group.waitForAll()
        }
    }

    private static func kill(on name: String, of rack: Rack, at numbers: [Int]) async throws {
        let cluster = try await RackCluster(rack, hosts: [name])
        try await cluster.apply()
        let files = try await rack.on(name, layout)
        for (round, number) in numbers.enumerated() {
            // Every fourth time from nothing; else another configuration and another function.
            if round % 4 == 0 {
                try await cluster.osiris("destroy", "--auto-approve")
            } else {
                try cluster.write(hosts: [name], hub: alerts(number))
                try cluster.scratch.write(
                    "def handle(name):\n    return {\"greeting\": \"hi \" + name}\n# \(number)\n",
                    to: "functions/hello/hello.py")
            }
            let moment = Duration.milliseconds(100 + number * 4000 / 30)
            let running = try cluster.start("apply", "--auto-approve")
            try await Task.sleep(for: moment)
            Glibc.kill(running.process.processIdentifier, SIGKILL)
            _ = try await running.wait()
            let next = try await cluster.osiris("apply", "--auto-approve")
            try #require(next.status == 0, "\(name) killed after \(moment): \(next)")
            let found = try await rack.on(name, layout)
            try #require(found == files, "\(name) killed after \(moment)")
        }
        try await cluster.isSettled()
        try await cluster.answers()
        try await cluster.osiris("destroy", "--auto-approve")
    }

    /// A change that starts the hub again; nobody is told anything.
    private static func alerts(_ number: Int) -> String {
        ", alerts: [{url: \"http://127.0.0.1:9/\(number)\", on: [crash-loop]}]"
    }

    /// What there is of osiris on a host.
    private static let layout = """
        ls /var/lib/osiris; ls /etc/systemd/system/osiris* /run/systemd/transient/osiris* 2>/dev/null
        podman ps --all --format '{{.Names}}'; systemctl is-active osiris-hub
        """
}
