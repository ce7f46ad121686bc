import Foundation
import Glibc
import Testing

extension LifeRackTests {
    /// Instances of a fake EC2 are hosts of the rack: from an empty account to functions that answer, and back.
    @Test func instancesOfAWS() async throws {
        let rack = try await Rack.shared
        try await rack.clean("r3-n01", "r3-n02")
        let cluster = try await AWSRackCluster(rack, hosts: ["r3-n01", "r3-n02"])
        try await cluster.apply(machines: "count: 2, type: t3.small")
        let hubs = try await cluster.osiris("hub", "info", "--json")
        #expect(hubs.out.contains("m1") && hubs.out.contains("https://198.18."), "\(hubs)")
        try await cluster.answers()

        try await cluster.expectRebuild()

        // A machine that cannot be reached is set aside, and deleted without a login.
        let second = try await cluster.host(of: "m2")
        try await rack.act("unplug", second)
        try await cluster.expectSearched(allBut: "use1/host.m2")
        let silent = try await cluster.osiris("plan")
        #expect(silent.status == 1 && silent.out.contains("set aside: `use1/instance.m2`"), "\(silent)")
        try cluster.write(machines: "count: 1, type: t3.small")
        let fewer = try await cluster.osiris("apply", "--auto-approve")
        #expect(fewer.status == 0 && !fewer.out.contains("deleting use1/hub.m2"), "\(fewer)")
        try await rack.act("plug", second)

        // Stopped and started by EC2, and the hub is back.
        try await cluster.apply(machines: "count: 1, type: t3.medium")
        #expect(try await cluster.osiris("destroy", "--auto-approve").status == 0)
    }
}

/// Machines of a cloud, on hosts of their own.
@Suite(.serialized, .enabled(Comment(rawValue: Rack.needs), Rack.isPossible), .timeLimit(.minutes(10)))
struct CloudRackTests {
    /// Instances that really boot: cloud-init runs their user data, which brings engine, image and hub.
    @Test func firstBootOfAWS() async throws {
        let rack = try await Rack.shared
        let registry = try Service("registry.py", in: "RackTests", rack.gateway)
        let reference = try #require(try await registry.ready()["reference"] as? String)
        let cluster = try await AWSRackCluster(rack, hosts: ["c1", "c2"], hub: "image: \"\(reference)\"")
        try await cluster.apply(machines: "count: 2, type: t3.small")
        try await cluster.answers()
        let token = try await cluster.osiris("hub", "token", "--role", "admin").out.trimmingCharacters(in: .newlines)
        #expect(token.count > 20)
        for name in ["c1", "c2"] {
            #expect(try await rack.on(name, "cat /var/lib/osiris/first-boot") == "engine\nimage\nhub")
            // The login came later, and left the hub as it ran.
            let started = try await rack.on(name, "podman inspect -f '{{.State.StartedAt.Unix}}' osiris-hub")
            let marked = try await rack.on(name, "stat -c %Y /var/lib/osiris/host.json")
            #expect(try #require(Int(started)) <= #require(Int(marked)), "\(name): \(started) \(marked)")
            let clear = try await rack.on(name, "zcat -f /var/lib/cloud/instance/user-data.txt")
            #expect(clear.contains("first boot") && !clear.contains(token) && !clear.contains("PRIVATE KEY"))
        }

        // cloud-init writes the host keys onto the console once; later starts do as well, and a lost state finds them there.
        let console = rack.folder.appendingPathComponent("c1/console")
        let first = try String(contentsOf: console, encoding: .utf8)
        try await rack.act("reboot", "c1")
        try await rack.on("c1", Rack.ready)
        let later = try String(contentsOf: console, encoding: .utf8).dropFirst(first.count)
        #expect(later.contains("-----END SSH HOST KEY KEYS-----"), "\(later.suffix(2000))")
        try await cluster.expectRebuild()
        #expect(try await cluster.osiris("destroy", "--auto-approve").status == 0)

        // The run that made a machine is killed: the machine goes on by itself, and the next run goes on with it.
        // There is one host, and a second machine would be none.
        let killed = try await AWSRackCluster(rack, hosts: ["c4"], hub: "image: \"\(reference)\"")
        try killed.write(machines: "count: 1, type: t3.small")
        let running = try killed.start("apply", "--auto-approve")
        while running.process.isRunning, !running.output().contains("waiting for its first start: engine") {
            try await Task.sleep(for: .milliseconds(50))
        }
        Glibc.kill(running.process.processIdentifier, SIGKILL)
        #expect(try await running.wait().out.contains("its first start: engine"))
        try await killed.apply(machines: "count: 1, type: t3.small")
        try await killed.answers()
        #expect(try await rack.on("c4", "cat /var/lib/osiris/first-boot") == "engine\nimage\nhub")

        // A first start that fails is told with the end of the console.
        let missing = reference.prefix { $0 != "@" } + "@sha256:" + String(repeating: "0", count: 64)
        let wrong = try await AWSRackCluster(rack, hosts: ["c3"], hub: "image: \"\(missing)\"")
        try wrong.write(machines: "count: 1, type: t3.small")
        let failed = try await wrong.osiris("apply", "--auto-approve")
        #expect(
            failed.status == 1 && failed.out.contains("its first start did not come to its end: image failed"),
            "\(failed)")
    }
}

/// A manifest with an `aws` target whose instances are hosts of the rack.
private struct AWSRackCluster {
    private let rack: Rack
    private let hosts: [String]
    private let hub: String
    private let scratch: Scratch
    private let service: Service
    private let environment: [String: String]

    /// - Parameter hub: nil for the image's archive.
    init(_ rack: Rack, hosts: [String], hub: String? = nil) async throws {
        self.rack = rack
        self.hosts = hosts
        self.hub =
            try hub
            ?? "archive: "
            + #require(RackCluster.image, "OSIRIS_HUB_ARCHIVE names no image; `make test-rack` makes one")
        scratch = try Scratch()
        try scratch.write(
            """
            def handle(name):
                return {"greeting": "hi " + name}

            """, to: "functions/hello/hello.py")
        let key = try await Program.Running(
            ["-y", "-f", rack.identity], program: "/usr/bin/ssh-keygen", in: scratch.url
        ).wait()
        try scratch.write(key.out, to: "ops.pub")
        let described = try hosts.map { name in
            #"{"name": "\#(name)", "address": "\#(try rack.host(name).address)", "traits": \#(try rack.host(name).traits)}"#
        }
        try scratch.write(
            #"{"hosts": [\#(described.joined(separator: ", "))], "knownHosts": "\#(rack.knownHosts)", "#
                + #""folder": "\#(rack.folder.path)"}"#, to: "rack.json")
        service = try Service("ec2.py", in: "Rack", scratch.url.appendingPathComponent("rack.json").path)
        let port = try #require(try await service.ready()["port"] as? Int)
        environment = [
            "AWS_ENDPOINT_URL": "http://127.0.0.1:\(port)", "AWS_ACCESS_KEY_ID": "AKID100000000001",
            "AWS_SECRET_ACCESS_KEY": "CANARY-AKID100000000001", "AWS_EC2_METADATA_DISABLED": "true",
            "SSH_AUTH_SOCK": "",
        ]
    }

    func write(machines: String) throws {
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              hub: {\(hub)}
              functions:
                - name: hello
                  namespace: demo
                  runtime: python3
                  source: functions/hello
                  handler: hello.handle
                  smoke: {input: {name: Ada}, expect: {greeting: hi Ada}}
              targets:
                - name: use1
                  provider: aws
                  region: us-east-1
                  network: {cidr: 10.20.0.0/16, subnets: 2}
                  machines: {\(machines), image: ami-12c6146b}
                  access:
                    ssh: {from: [203.0.113.0/24], publicKey: ops.pub, user: ops, identity: \(rack.identity)}
                    hub: {from: [0.0.0.0/0]}

            """, to: "cluster.yaml")
    }

    /// The host that a machine is: instances are launched at once, and take the hosts as they come.
    func host(of machine: String) async throws -> String {
        let shown = try await osiris("state", "show", "use1/host.\(machine)", "--json").out
        return try #require(
            try hosts.first { shown.contains("\"\(try rack.host($0).address)\"") }, "\(machine) is none of \(hosts)")
    }

    /// Applies, and expects that nothing is left to do.
    func apply(machines: String) async throws {
        try write(machines: machines)
        let answer = try await osiris("apply", "--auto-approve")
        #expect(answer.status == 0, "\(answer)")
        let settled = try await osiris("plan", "--detailed-exitcode")
        #expect(settled.status == 0, "\(settled)")
    }

    // MARK: A lost state

    /// The lines of the state's export, but for its serial, which counts how it came to be.
    func exported() async throws -> [Substring] {
        try await osiris("state", "export").out.split(separator: "\n").filter { !$0.contains("\"serial\"") }
    }

    /// Throws the state away, and makes it again as it was, with one login on each host.
    func expectRebuild() async throws {
        let lost = try await exported()
        var logins: [Int] = []
        for host in hosts { logins.append(try await rack.traffic(host).logins) }
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent(".osiris/state.db"))
        let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
        #expect(rebuilt.status == 0, "\(rebuilt)")
        for (host, before) in zip(hosts, logins) { #expect(try await rack.traffic(host).logins == before + 1) }
        let found = try await exported()
        #expect(found == lost, "\(found.difference(from: lost))")
        let settled = try await osiris("plan", "--detailed-exitcode")
        #expect(settled.status == 0, "\(settled)")
    }

    /// Makes the state again in another place, without a host that does not answer.
    func expectSearched(allBut missing: String) async throws {
        let refused = try await osiris("state", "rebuild", "--auto-approve", "--state", "other/state.db")
        #expect(refused.status == 1 && refused.err.contains("host \(missing) cannot be searched"), "\(refused)")
        let rest = try await osiris(
            "state", "rebuild", "--auto-approve", "--partial", "--state", "other/state.db", "--json")
        #expect(rest.status == 1 && rest.out.contains("host \(missing) cannot be searched"), "\(rest)")
        #expect(rest.out.contains("\"use1/host.m1\"") && !rest.out.contains("\"\(missing)\""), "\(rest)")
        #expect(rest.out.contains("\"use1/instance.m2\""), "\(rest)")
    }

    func answers() async throws {
        let answer = try await osiris("functions", "call", "demo/hello", "--data", #"{"name": "Ada"}"#)
        #expect(answer.out == "{\"greeting\":\"hi Ada\"}\n", "\(answer)")
    }

    func start(_ arguments: String...) throws -> Program.Running {
        try Program.Running(arguments, environment: environment, in: scratch.url)
    }

    func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: environment, in: scratch.url).wait()
    }
}
