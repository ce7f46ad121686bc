import Foundation
import Testing

extension OddRackTests {
    /// A host's engine comes from a repository of one's own, by the key that has signed it and by no other; repository and
    /// key go with the engine.
    @Test func repository() async throws {
        let rack = try await Rack.shared
        try await rack.clean("sealed")
        let cluster = try await RackCluster(rack, hosts: ["sealed"])
        let keys = cluster.scratch.url.appendingPathComponent("keys").path
        let service = try Service(
            "repository.py", in: "RackTests", "\(rack.gateway):\(rack.packages.path):\(keys)")
        let port = try #require(try await service.ready()["port"] as? Int)
        func settings(_ name: String, _ key: String) -> [String] {
            let url = "http://\(rack.gateway):\(port)/\(name)"
            return ["engine: {name: podman, repository: {url: \"\(url)\", suite: ./, key: keys/\(key).asc}}"]
        }
        let files = "cat /etc/apt/sources.list.d/* /etc/apt/keyrings/* 2>/dev/null || true"

        try cluster.write(hosts: ["sealed"], settings: settings("old", "new"))
        let unsigned = try await cluster.apply(1)
        #expect(unsigned.description.contains("engine.repository cannot be read"), "\(unsigned)")
        #expect(try await rack.on("sealed", files) == "")

        try cluster.write(hosts: ["sealed"], settings: settings("old", "old"))
        try await cluster.apply()
        try await cluster.isSettled()
        try await cluster.answers()
        let put = try await rack.on("sealed", files)
        #expect(put.contains("/old\n") && put.contains("Signed-By: /etc/apt/keyrings/osiris-engine.asc"), "\(put)")
        #expect(put.contains("BEGIN PGP PUBLIC KEY BLOCK") && !put.lowercased().contains("trusted"), "\(put)")

        // Another place and another key; the hub goes on.
        let started = "systemctl show --property=ActiveEnterTimestampMonotonic osiris-hub"
        let before = try await rack.on("sealed", started)
        try cluster.write(hosts: ["sealed"], settings: settings("new", "old"))
        let wrong = try await cluster.apply(1)
        #expect(wrong.description.contains("engine.repository cannot be read"), "\(wrong)")
        #expect(try await rack.on("sealed", files) == put, "what was there stays")
        try cluster.write(hosts: ["sealed"], settings: settings("new", "new"))
        let moved = try await cluster.apply()
        #expect(moved.out.contains("1 updated"), "\(moved)")
        #expect(try await rack.on("sealed", files).contains("/new\n"))
        #expect(try await rack.on("sealed", started) == before)
        try await cluster.isSettled()

        try await cluster.osiris("destroy", "--auto-approve")
        #expect(try await rack.on("sealed", files) == "")
        #expect(try await rack.on("sealed", "command -v podman || echo gone") == "gone")
    }
}
