import Foundation
import Testing

/// A manifest for hosts of the rack, in a folder of its own, and `osiris` run on it.
struct RackCluster: Sendable {
    let rack: Rack
    let scratch: Scratch
    private let archive: String

    /// The image that `make test` made.
    static let image = ProcessInfo.processInfo.environment["OSIRIS_HUB_ARCHIVE"]

    init(_ rack: Rack, hosts: [String], settings: [String] = [], rollout: String = "{canary: 0, maxUnavailable: 4}")
        async throws
    {
        self.rack = rack
        scratch = try Scratch()
        archive = try #require(Self.image, "OSIRIS_HUB_ARCHIVE names no image; `make test-rack` makes one")
        try scratch.write(
            """
            def handle(name):
                return {"greeting": "hi " + name}

            """, to: "functions/hello/hello.py")
        try FileManager.default.copyItem(
            atPath: rack.knownHosts, toPath: scratch.url.appendingPathComponent("known_hosts").path)
        try write(hosts: hosts, settings: settings, rollout: rollout)
    }

    /// Links the image to a name beside the manifest.
    func linkImage(_ name: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: scratch.url.appendingPathComponent(name).path, withDestinationPath: archive)
    }

    /// The manifest with these hosts, and lines more for the target.
    func write(
        hosts: [String], settings: [String] = [], rollout: String = "{canary: 0, maxUnavailable: 4}",
        archive: String? = nil, hub: String = ""
    ) throws {
        let lines = try hosts.map { name in "        - {host: \(try rack.host(name).address), name: \(name)}" }
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: rack}
            spec:
              variables:
                password: {type: string, secret: true, from: env:RACK_PASSWORD}
              hub: {archive: \(archive ?? self.archive), port: 8080\(hub)}
              functions:
                - name: hello
                  namespace: demo
                  runtime: python3
                  source: functions/hello
                  handler: hello.handle
                  smoke: {input: {name: Ada}, expect: {greeting: hi Ada}}
              rollout: \(rollout)
              targets:
                - name: rack
                  provider: ssh
                  user: ops
                  identity: \(rack.identity)
                  hostKeys: known_hosts
                  become: {password: "${var.password}"}
            \(settings.map { "      " + $0 }.joined(separator: "\n"))
                  hosts:
            \(lines.joined(separator: "\n"))

            """.replacingOccurrences(of: "\n\n      hosts", with: "\n      hosts"), to: "cluster.yaml")
    }

    func start(_ arguments: String...) throws -> Program.Running {
        try Program.Running(arguments, environment: environment, in: scratch.url)
    }

    /// In a network from which only the rack is reached: `cut_off.sh`.
    func osirisCutOff(_ arguments: String...) async throws -> Program.Answer {
        let script = Program.root.appendingPathComponent("Tests/RackTests/cut_off.sh").path
        return try await Program.Running(
            [script, rack.bridge, rack.freeAddress, Program.path("osiris")] + arguments, program: "/bin/sh",
            environment: environment, in: scratch.url
        ).wait()
    }

    @discardableResult
    func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: environment, in: scratch.url).wait()
    }

    private var environment: [String: String] { ["RACK_PASSWORD": rack.password, "SSH_AUTH_SOCK": ""] }

    @discardableResult
    func apply(_ expected: Int32 = 0, _ place: SourceLocation = #_sourceLocation) async throws -> Program.Answer {
        let answer = try await osiris("apply", "--auto-approve")
        try #require(answer.status == expected, "\(answer)", sourceLocation: place)
        return answer
    }

    /// Fails when a plan finds something to do.
    func isSettled(_ place: SourceLocation = #_sourceLocation) async throws {
        let plan = try await osiris("plan", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan)", sourceLocation: place)
    }

    func answers(_ place: SourceLocation = #_sourceLocation) async throws {
        let call = try await osiris("functions", "call", "demo/hello", "--data", "{\"name\":\"Ada\"}")
        #expect(call.out == "{\"greeting\":\"hi Ada\"}\n", "\(call)", sourceLocation: place)
    }

    /// Another image than `make test`'s, of the same hub.
    func variant(_ label: String, entrypoint: [String] = []) async throws -> String {
        let path = scratch.url.appendingPathComponent("\(label).tar").path
        let made = try await Program.Running(
            ["python3", Program.root.appendingPathComponent("Tests/RackTests/variant.py").path, archive, label, path]
                + entrypoint, program: "/usr/bin/env", in: scratch.url
        ).wait()
        try #require(made.status == 0, "\(made)")
        return path
    }
}
