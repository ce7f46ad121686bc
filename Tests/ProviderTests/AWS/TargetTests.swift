import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderAWS

/// What an `aws` target means, before anything is asked.
struct AWSTargetTests {
    private static let network: Value = ["cidr": "10.20.0.0/16", "subnets": 3]
    private static let machines: Value = [
        "count": 4, "type": "t4g.small", "image": "debian-12", "disk": .int(20 << 30),
    ]

    private func expansion(
        _ settings: Attributes = [:], others: [Target] = [], functions: [FunctionSpec] = [], image: String? = nil
    ) throws -> Expansion {
        let folder = try TemporaryFolder()
        try folder.write("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOhdOsq me@here\n", to: "ops.pub")
        let ssh: Value = ["from": ["203.0.113.0/24"], "publicKey": "ops.pub"]
        let all: Attributes = [
            "region": "us-east-1", "network": Self.network, "machines": Self.machines,
            "access": ["ssh": ssh, "hub": ["from": ["0.0.0.0/0"]]],
        ].merging(settings) { $1 }
        let target = target("use1", "aws", all)
        let cluster = cluster(in: folder.path, targets: others + [target], functions: functions, image: image)
        let client = AWSClient(http: HTTPClient(), environment: [:], home: "/nowhere")
        return try AWSProvider(hubVersion: "1", client: client).expand(target, of: cluster)
    }

    private func faults(_ settings: Attributes, others: [Target] = []) -> [String] {
        do {
            _ = try expansion(settings, others: others)
            return []
        } catch {
            return (error as? DiagnosticsError)?.diagnostics.map(\.message) ?? ["\(error)"]
        }
    }

    private func attributes(_ expansion: Expansion, _ type: String) -> [Attributes] {
        expansion.resources.filter { $0.address.type == type }.map(\.attributes)
    }

    @Test func subnetsAreCutAndSpread() throws {
        let found = try expansion()
        let subnets = attributes(found, "subnet")
        #expect(subnets.compactMap { $0["cidr"]?.stringValue } == ["10.20.0.0/20", "10.20.16.0/20", "10.20.32.0/20"])
        #expect(subnets.compactMap { $0["zone"]?.stringValue } == ["us-east-1a", "us-east-1b", "us-east-1c"])
        let homes = attributes(found, "instance").compactMap { $0["subnet"] }
        #expect(homes.count == 4 && homes[0] == homes[3] && Set(homes).count == 3)
        #expect(attributes(found, "keyPair").first?["publicKey"] == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOhdOsq")
    }

    /// Shown as it is written; states of before have a number.
    @Test func theSizeOfADiskIsTextOrANumber() throws {
        let expanded = try expansion()
        let found = attributes(expanded, "instance")
        #expect(found.allSatisfy { $0["disk"] == "20Gi" && InstanceDisk.bytes($0) == 20 << 30 })
        #expect(InstanceDisk.bytes(["disk": .int(20 << 30)]) == 20 << 30)
        #expect(InstanceDisk.bytes([:]) == nil)
    }

    @Test func hubsComeWithAnImageAndALogin() throws {
        #expect(try expansion().machines.isEmpty)
        let found = try expansion(image: "registry.example/hub@sha256:00")
        #expect(found.machines.map(\.name) == ["m1", "m2", "m3", "m4"])
        let host = try #require(found.resources.first { $0.address.text == "use1/host.m1" })
        #expect(host.provider == "ssh" && host.parent?.text == "use1/instance.m1")
        #expect(host.attributes["login"]?.mapValue?["user"] == "admin")
        let keys = host.attributes["login"]?.mapValue?["keys"]
        #expect(keys == .reference(AttributeReference(ResourceAddress("use1/hostKeys.m1")!, "keys")))
    }

    @Test func aFunctionNeedsAHub() throws {
        #expect {
            _ = try expansion(functions: [try function("hello")])
        } throws: { error in
            (error as? DiagnosticsError)?.diagnostics.first?.message.contains("has no hubs") ?? false
        }
    }

    @Test(
        arguments: [
            (["network": ["cidr": "10.20.0.1/16"]], "is not a block"),
            (["network": ["cidr": "10.0.0.0/8"]], "/16 to a /24"),
            (["aws": ["zones": ["eu-west-1a"]]], "is not a zone of us-east-1"),
            (["region": ""], "`` is no value of `region`"), (["region": "US-EAST-1"], "is no value of `region`"),
            (["machines": ["count": 1, "type": "small", "image": "x"]], "`small` is no value of `machines.type`"),
            (["aws": ["endpoint": "not a url"]], "is no value of `aws.endpoint`"),
            (["aws": ["roleArn": "osiris"]], "is no value of `aws.roleArn`"),
            (["tags": ["AWS:x": "y"]], "EC2 takes no tag like `AWS:x`"),
            (["tags": ["long": .string(String(repeating: "x", count: 257))]], "EC2 takes no tag like `long`"),
            (
                ["tags": .map(Dictionary(uniqueKeysWithValues: (1...45).map { ("k\($0)", "v") }))],
                "45 tags are more than EC2 takes"
            ),
            (["tags": ["osiris:cluster": "x"]], "is the provisioner's"),
            (["access": ["hub": ["from": ["10.0.0.1"]]]], "is not a block"),
            (["access": ["hub": ["from": []], "ssh": ["publicKey": "none.pub"]]], "cannot be read"),
            (["machines": ["count": 1, "type": "t3.small", "image": "i", "disk": 1000]], "whole number of GiB"),
            (
                [
                    "machines": ["count": 1, "type": "t3.small", "image": "i", "publicAddress": false],
                    "aws": ["elasticAddresses": true],
                ], "addresses on the internet"
            ),
        ] as [(Attributes, String)]) func faultsAreFound(settings: Attributes, message: String)
    {
        let found = faults(settings)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test func networksMustNotOverlap() {
        let other = target("aaa", "aws", ["network": ["cidr": "10.20.128.0/17"]])
        #expect(faults([:], others: [other]).first?.contains("overlaps that of aaa") ?? false)
    }

    @Test func blocks() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32"] { #expect(IPv4Block(text)?.description == text) }
        for text in ["10.0.0/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "a/8", "::/0"] {
            #expect(IPv4Block(text) == nil, "\(text)")
        }
        let all = IPv4Block("0.0.0.0/0")!
        #expect(all.part(255, bits: 8)?.description == "255.0.0.0/8" && all.part(256, bits: 8) == nil)
        #expect(IPv4Block("10.1.0.0/16")!.overlaps(IPv4Block("10.0.0.0/8")!))
        #expect(!IPv4Block("10.1.0.0/16")!.overlaps(IPv4Block("10.2.0.0/16")!))
    }

    @Test func imageNames() {
        #expect(ImageName("ami-1", type: "t3.small") == .id("ami-1"))
        #expect(ImageName("ssm:/aws/x", type: "t3.small") == .parameter("/aws/x"))
        #expect(
            ImageName("amazon/al2023-*", type: "t3.small")
                == .newest(owner: "amazon", name: "al2023-*", architecture: nil))
        #expect(
            ImageName("debian-12", type: "t4g.small")
                == .newest(owner: "136693071363", name: "debian-12-arm64-*", architecture: "arm64"))
        for type in ["t4g.nano", "c7gn.large", "a1.large", "x2gd.large", "hpc7g.large"] {
            #expect(ImageName.isARM(type))
        }
        for type in ["t3.small", "g5.xlarge", "gr6.4xlarge", "m5.large", "m7i-flex.large"] {
            #expect(!ImageName.isARM(type))
        }
    }

    @Test func keysOfAConsole() {
        let console = """
            [    1.0] -----BEGIN SSH HOST KEY KEYS-----\r
            ssh-ed25519 b2xk root@old\r
            -----END SSH HOST KEY KEYS-----\r
            [   12.0] -----BEGIN SSH HOST KEY KEYS-----\r
            [   12.1] ecdsa-sha2-nistp256 QUJD root@ip-10-0-0-1\r
            ssh-ed25519 REVG root@ip-10-0-0-1\r
            noise\r
            -----END SSH HOST KEY KEYS-----\r
            login:
            """
        #expect(HostKeys.keys(in: console) == ["ecdsa-sha2-nistp256 QUJD", "ssh-ed25519 REVG"])
        #expect(HostKeys.keys(in: "-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 REVG") == [])
        #expect(HostKeys.keys(in: "") == [])
    }

    @Test(arguments: ["tcp 22 10.0.0.0/8", "-1  0.0.0.0/0", "udp 53..54 sg-1", "icmp -1 ::/0"])
    func rulesReadAsWritten(text: String) { #expect(SecurityRule(text)?.text == text) }
}
