import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderAWS
@testable import ProviderSSH

/// What EC2 gets for the first start of an instance.
@Suite struct UserDataTests {
    private func request(_ settings: Attributes = [:]) throws -> OperationRequest {
        var cluster = cluster(
            in: "/", targets: [target("use1", "aws", ["region": "eu-central-1"])],
            image: "registry.example/hub@sha256:" + String(repeating: "a", count: 64))
        cluster.hub.settings.fields = settings
        return OperationRequest(
            cluster: cluster, address: try #require(ResourceAddress("use1/instance.m1")), planned: [:], prior: [:],
            ancestors: [], token: UUID().uuidString)
    }

    private let boot = HostFirstBoot(hubVersion: "1.0.0", issued: IssuedTokens())

    @Test func theInstanceHasTheScript() async throws {
        let account = try await Moto.account()
        let client = account.client()
        let ec2 = EC2(client, pace: Pace())
        let subnets = try await client.list("DescribeSubnets", [:], items: "subnetSet", at: account.place)
        let subnet = try #require(subnets.first?.text("subnetId"))
        var request = try request()
        request.planned = [
            "region": "eu-central-1", "image": "ami-12c6146b", "type": "t3.small", "subnet": .string(subnet),
            "securityGroups": [], "boot": "engine, image, hub", "tags": [:],
        ]
        let instance = Instance(ec2: ec2, images: Images(client), firstBoot: boot)
        let made = try await instance.create(request)
        #expect(made["boot"] == "engine, image, hub")
        let shown = try await client.call(
            "DescribeInstanceAttribute",
            ["InstanceId": try #require(made["id"]?.stringValue), "Attribute": "userData"], at: account.place)
        let data = try #require(shown.text("userData/value").flatMap { Data(base64Encoded: $0) })
        let script = try boot.script(for: request)
        #expect(try await unpacked(data) == script && data.count <= 16 * 1024 && script.hasPrefix("#!/bin/sh\n"))
    }

    @Test func whatIsTooLargeIsRefused() throws {
        // Nothing that could be made smaller.
        let hosts = (0..<800).map { _ in Value.string(UUID().uuidString + ".example") }
        let request = try request(["callbacks": ["allow": .list(hosts)]])
        let script = try boot.script(for: request)
        let error = #expect(throws: UserData.TooLarge.self) { try UserData.text([script]) }
        #expect(try #require(error).size > UserData.most)
    }

    /// As many as one call makes, with long names.
    @Test func thatOfAWholeCallFits() throws {
        let scripts = try (0..<Launches.most).map { index in
            var machine = try request(["audit": ["keep": "90d"]])
            machine.address = try #require(ResourceAddress("use1/instance.frankfurt-edge-\(index)"))
            machine.token = UUID().uuidString
            return try boot.script(for: machine)
        }
        let size = try #require(Data(base64Encoded: UserData.text(scripts))).count
        #expect(size < UserData.most * 9 / 10, "there is room for settings: \(size)")
        #expect(size < (try #require(Data(base64Encoded: UserData.text([scripts[0]]))).count) * 2)
    }

    /// By gzip(1).
    private func unpacked(_ data: Data) async throws -> String {
        guard data.starts(with: [0x1f, 0x8b]) else { return String(decoding: data, as: UTF8.self) }
        let folder = try TemporaryFolder()
        let file = folder.path + "/script.gz"
        try data.write(to: URL(fileURLWithPath: file))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "--decompress", file]
        let (ended, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        for await status in ended { #expect(status == 0) }
        return folder.text("script")
    }
}
