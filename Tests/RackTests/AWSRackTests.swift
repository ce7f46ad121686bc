import Foundation
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
        let answer = try await cluster.osiris("functions", "call", "demo/hello", "--data", #"{"name": "Ada"}"#)
        #expect(answer.out == "{\"greeting\":\"hi Ada\"}\n", "\(answer)")

        // A machine that cannot be reached is set aside, and deleted without a login.
        let second = try await cluster.host(of: "m2")
        try await rack.act("unplug", second)
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

/// A manifest with an `aws` target whose instances are hosts of the rack.
private struct AWSRackCluster {
    private let rack: Rack
    private let hosts: [String]
    private let scratch: Scratch
    private let service: Service
    private let environment: [String: String]

    init(_ rack: Rack, hosts: [String]) async throws {
        self.rack = rack
        self.hosts = hosts
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
        let addresses = try hosts.map { name in #"{"address": "\#(try rack.host(name).address)"}"# }
        try scratch.write(
            #"{"hosts": [\#(addresses.joined(separator: ", "))], "knownHosts": "\#(rack.knownHosts)"}"#, to: "rack.json"
        )
        service = try Service("ec2.py", in: "Rack", scratch.url.appendingPathComponent("rack.json").path)
        let port = try #require(try await service.ready()["port"] as? Int)
        environment = [
            "AWS_ENDPOINT_URL": "http://127.0.0.1:\(port)", "AWS_ACCESS_KEY_ID": "AKID100000000001",
            "AWS_SECRET_ACCESS_KEY": "CANARY-AKID100000000001", "AWS_EC2_METADATA_DISABLED": "true",
            "SSH_AUTH_SOCK": "",
        ]
    }

    func write(machines: String) throws {
        let archive = try #require(RackCluster.image, "OSIRIS_HUB_ARCHIVE names no image; `make test-rack` makes one")
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              hub: {archive: \(archive)}
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

    func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: environment, in: scratch.url).wait()
    }
}
