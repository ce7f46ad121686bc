import Foundation
import Testing

extension LifeRackTests {
    /// Killed at 30 moments of bringing a host up and of changing it; the next run always finishes the work.
    ///
    /// Three clusters of one host each, side by side: most of the time a run waits for its host.
    @Test func kills() async throws {
        let rack = try await Rack.shared
        let names = ["r3-n01", "r3-n02", "r3-n03"]
        try await rack.clean("r3-n01", "r3-n02", "r3-n03")
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
