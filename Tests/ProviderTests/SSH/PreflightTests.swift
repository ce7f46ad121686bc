import OsirisDiagnostics
import OsirisModel
import Testing

@testable import ProviderSSH

/// What stands against a plan on a host.
@Suite struct PreflightTests {
    private static func facts(_ fields: [String: Value] = [:]) -> HostFacts? {
        let common: [String: Value] = [
            "os": "debian", "osVersion": "12", "arch": "x86_64", "rights": "root", "memory": .int(1 << 30),
            "diskFree": .int(20 << 30), "clock": 1000, "packages": "apt-get", "machine": "m1", "listening": [:],
        ]
        return HostFacts(
            Value.map(common.merging(fields) { $1 }).plainJSON(), began: 1000, ended: 1001)
    }

    private static let wishes = HostWishes(
        cluster: "edge", address: "rack-a/host.n1", archs: ["x86_64"], port: 8080)

    @Test func aBareHostIsFine() throws {
        #expect(HostPreflight.faults(try #require(Self.facts()), Self.wishes, of: "n1").isEmpty)
    }

    @Test func everyFaultIsToldAtOnce() throws {
        var facts = try #require(
            Self.facts([
                "rights": "none", "arch": "aarch64", "memory": .int(100 << 20), "diskFree": .int(500 << 20),
                "clock": 900,
                "packages": "apk", "listening": ["8080": "nginx"], "os": "alpine", "osVersion": "3.20",
            ]))
        facts.markers["host"] = Array(#"{"cluster":"other","address":"a/host.b"}"#.utf8)
        let faults = HostPreflight.faults(facts, Self.wishes, of: "n1")
        #expect(
            faults.map(\.code) == [
                .hostRights, .hostOtherCluster, .hostUnsupported, .hostNoEngine, .hostPortTaken, .hostTooSmall,
                .hostTooSmall, .hostClock,
            ])
        #expect(
            faults.allSatisfy { $0.message.hasPrefix("host n1: ") && $0.help != nil && $0.address == "rack-a/host.n1" })
        #expect(faults[4].message == "host n1: port 8080 is taken by nginx")
        #expect(faults[5].message == "host n1: 500 MiB are free on its disk, and 1024 MiB are needed")
        #expect(faults[7].message == "host n1: its clock is 99 s behind")
    }

    @Test func whatIsOursIsNoFault() throws {
        var facts = try #require(Self.facts(["listening": ["8080": ""], "diskFree": 1]))
        facts.markers = [
            "host": Array(#"{"cluster":"edge","address":"rack-a/host.n1"}"#.utf8), "hub": [], "image": [],
        ]
        #expect(HostPreflight.faults(facts, Self.wishes, of: "n1").isEmpty)
        facts.markers["host"] = Array("{".utf8)
        #expect(HostPreflight.faults(facts, Self.wishes, of: "n1").map(\.code) == [.hostOtherCluster])
    }

    @Test func engines() throws {
        var wishes = Self.wishes
        wishes.installsEngine = false
        let bare = try #require(Self.facts())
        #expect(HostPreflight.faults(bare, wishes, of: "n1").map(\.code) == [.hostNoEngine])
        let docker = try #require(Self.facts(["engines": ["docker": ["version": "20.10"]], "packages": "apk"]))
        #expect(HostPreflight.faults(docker, wishes, of: "n1").isEmpty)
        wishes.engine = "podman"
        #expect(
            HostPreflight.faults(docker, wishes, of: "n1").map(\.message) == ["host n1: it has no podman"])
    }

    @Test func oneMachineUnderTwoNamesIsFound() throws {
        let (one, two) = (try #require(Self.facts()), try #require(Self.facts(["machine": "m2"])))
        #expect(HostPreflight.twins([("n1", "a/host.n1", one), ("n2", "a/host.n2", two)]).isEmpty)
        let faults = HostPreflight.twins([("n1", "a/host.n1", one), ("n2", "a/host.n2", two), ("n3", "a/host.n3", one)])
        #expect(faults.map(\.code) == [.hostTwice] && faults[0].address == "a/host.n3")
    }
}
