import Foundation
import Testing

/// Changes of hubs that serve: a canary first, then a few at a time.
@Suite(.serialized, .enabled(Comment(rawValue: Rack.needs), Rack.isPossible), .timeLimit(.minutes(10)))
struct RolloutRackTests {
    /// A new image on all hosts, one at a time, while 200 calls come in each second: callers who go to the next host when
    /// one does not take their call lose none, and no call ends without an answer.
    @Test func upgradeUnderLoad() async throws {
        let rack = try await Rack.shared
        let names = ["r2-n01", "r2-n02", "r2-n04"]
        try await rack.clean("r2-n01", "r2-n02", "r2-n04")
        let rollout = "{canary: 1, maxUnavailable: 1}"
        let cluster = try await RackCluster(rack, hosts: names)
        try cluster.write(hosts: names, rollout: rollout, hub: ", tls: false")
        try await cluster.apply()
        let image = try await cluster.variant("two")
        let load = try await Load(cluster, rack, names)
        try cluster.write(hosts: names, rollout: rollout, archive: image, hub: ", tls: false")
        let upgrade = try await cluster.osiris("apply", "--auto-approve")
        let seen = try await load.end()
        #expect(upgrade.status == 0, "\(upgrade)")
        // Each host was away for a while, or nothing was upgraded under load.
        #expect(seen.calls > 1000 && seen.moved > 0, "\(seen)")
        #expect(seen.failed == 0 && seen.refused == 0 && seen.broken == 0, "\(seen)")
        try await cluster.isSettled()
    }

    /// An image whose hub does not start is met by one host only, which has its old hub again; callers see that host away.
    @Test func badImage() async throws {
        let rack = try await Rack.shared
        let names = ["r2-n01", "r2-n02", "r2-n03"]
        try await rack.clean("r2-n01", "r2-n02", "r2-n03")
        let rollout = "{canary: 1, maxUnavailable: 1}"
        let cluster = try await RackCluster(rack, hosts: names, rollout: rollout)
        try await cluster.apply()
        var images: [String] = []
        for name in names { images.append(try await rack.on(name, Self.running)) }
        let bad = try await cluster.variant("bad", entrypoint: ["false"])
        try cluster.write(hosts: names, rollout: rollout, archive: bad)
        let answer = try await cluster.apply(1)
        #expect(answer.description.contains("previous hub runs again"), "\(answer)")
        for (name, image) in zip(names, images) {
            try await rack.on(name, Rack.ready)
            #expect(try await rack.on(name, Self.running) == image, "\(name)")
        }
        let tried = try await names.asyncCount(where: {
            try await rack.on(
                $0, "journalctl --boot --quiet --output=cat --unit=osiris-hub | grep -c 'Failed with result' || true")
                != "0"
        })
        #expect(tried == 1, "\(tried) hosts met the bad image")
        // Back to the good one: nothing is left to be done but to say so.
        try cluster.write(hosts: names, rollout: rollout)
        try await cluster.apply()
        try await cluster.isSettled()
        try await cluster.answers()
    }

    /// A function that starts and answers wrong is met by the canary alone, which has the one from before again.
    @Test func wrongAnswer() async throws {
        let rack = try await Rack.shared
        let names = ["r2-n01", "r2-n02", "r2-n03"]
        try await rack.clean("r2-n01", "r2-n02", "r2-n03")
        let cluster = try await RackCluster(rack, hosts: names, rollout: "{canary: 1, maxUnavailable: 1}")
        try await cluster.apply()
        try cluster.scratch.edit("functions/hello/hello.py", "hi ", "bye ")
        let answer = try await cluster.apply(1)
        #expect(answer.description.contains("it was put back; 2 machines were not begun"), "\(answer)")
        let tried = try await names.asyncCount(where: {
            try await rack.on($0, "grep -rlF 'bye ' /var/lib/osiris/data || true") != ""
        })
        #expect(tried == 1, "\(tried) hosts met the function")
        try await cluster.answers()
        try cluster.scratch.edit("functions/hello/hello.py", "bye ", "hi ")
        try await cluster.apply()
        try await cluster.isSettled()
    }

    /// Of four hosts never more than two are without their hub at a time.
    @Test func mostUnavailable() async throws {
        let rack = try await Rack.shared
        let names = ["r2-n01", "r2-n02", "r2-n03", "r2-n04"]
        try await rack.clean("r2-n01", "r2-n02", "r2-n03", "r2-n04")
        let rollout = "{canary: 0, maxUnavailable: 50%}"
        let cluster = try await RackCluster(rack, hosts: names, rollout: rollout)
        try await cluster.apply()
        try cluster.write(
            hosts: names, rollout: rollout, hub: ", alerts: [{url: \"http://127.0.0.1:9/\", on: [crash-loop]}]")
        try await cluster.apply()
        // The hosts have one kernel, and so one clock.
        var outages: [(from: Int, to: Int)] = []
        for name in names {
            let text = try await rack.on(
                name,
                "systemctl show --value --property=InactiveEnterTimestampMonotonic --property=ActiveEnterTimestampMonotonic osiris-hub"
            )
            let times = text.split(separator: "\n").compactMap { Int($0) }.sorted()
            try #require(times.count == 2 && times[0] > 0, "\(name): \(text)")
            outages.append((times[0], times[1]))
        }
        for outage in outages {
            let together = outages.count { $0.from <= outage.from && outage.from < $0.to }
            #expect(together <= 2, "\(outages)")
        }
    }

    /// The image of the host's hub.
    private static let running = "podman container inspect --format '{{.Image}}' osiris-hub"
}

extension Array {
    fileprivate func asyncCount(where isCounted: (Element) async throws -> Bool) async rethrows -> Int {
        var count = 0
        for element in self where try await isCounted(element) { count += 1 }
        return count
    }
}

/// Callers: Tests/RackTests/load.py.
private struct Load {
    struct Seen: Decodable {
        var calls, moved, broken, refused, failed: Int
        var reasons: [String: Int]
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(_ cluster: RackCluster, _ rack: Rack, _ names: [String]) async throws {
        let made = try await cluster.osiris("hub", "tokens", "create", "--name", "load", "--role", "invoke", "--json")
        let token = try #require((made.json as? [String: Any])?["token"] as? String, "\(made)")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "python3", Program.root.appendingPathComponent("Tests/RackTests/load.py").path, "200",
                "/function/demo/hello",
            ]
            + (try names.map { try rack.host($0).address + ":8080" })
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["TOKEN": token]) { $1 }
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
    }

    func end() async throws -> Seen {
        try input.fileHandleForWriting.close()
        await process.ended()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return try JSONDecoder().decode(Seen.self, from: Data(try #require(text.split(separator: "\n").last).utf8))
    }
}
