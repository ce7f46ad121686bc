import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSSH

/// From a target's settings to its hosts.
@Suite struct RackHostTests {
    private func target(_ settings: Attributes) -> Target {
        let start = SourcePosition(line: 1, column: 1)
        let span = SourceSpan(file: "cluster.yaml", start: start, end: start)
        return Target(name: "rack-a", provider: "ssh", settings: settings, spans: SpanMap(whole: span))
    }

    private func faults(_ settings: Attributes) -> [Diagnostic] {
        do {
            _ = try SSHTarget(target(settings))
            return []
        } catch {
            return error.diagnostics
        }
    }

    @Test(arguments: [
        ("n1", ["n1"]), ("n[1:3]", ["n1", "n2", "n3"]), ("n[08:11].dc", ["n08.dc", "n09.dc", "n10.dc", "n11.dc"]),
        ("n[1:9:4]", ["n1", "n5", "n9"]), ("[a:c]x", ["ax", "bx", "cx"]), ("n[3:3]", ["n3"]),
        ("r[1:2]-n[01:02]", ["r1-n01", "r1-n02", "r2-n01", "r2-n02"]),
        ("n[098:101]", ["n098", "n099", "n100", "n101"]),
        ("ops@[2001:db8::7]:22", ["ops@[2001:db8::7]:22"]),
    ])
    func rangesMeanNames(_ pattern: String, _ names: [String]) throws {
        #expect(try HostRange.names(pattern) == names)
    }

    @Test(arguments: [
        ("n[1:", "without a `]`"), ("n1]", "without a `[`"), ("n[5:1]", "goes backwards"), ("n[c:a]", "goes backwards"),
        ("n[7]", "no range"), ("n[1:x]", "no range"), ("n[1:9:0]", "step"), ("n[1:9:x]", "step"),
        ("n[1:99999]", "more than 10000"), ("n[1:200]-[1:200]", "more than 10000"), ("n[]", "no range"),
        ("n[1:9999999999999]", "no range"),
    ])
    func whatIsNoRangeIsRefused(_ pattern: String, _ reason: String) {
        let fault = #expect(throws: HostRange.Fault.self) { try HostRange.names(pattern) }
        #expect(fault?.reason.contains(reason) == true)
    }

    @Test func labelsOfAGroupAreThoseOfItsHostsAndMayNameTheDomain() throws {
        var target = target([
            "domainLabel": "rack", "domain": "row-1",
            "hosts": [
                ["host": "r1-n[01:02].dc1", "labels": ["rack": "r1"]],
                ["host": "r2-n1.dc1", "labels": ["rack": "r2", "zone": "b"]],
                ["host": "r3-n1.dc1", "labels": ["rack": "r3"], "domain": "attic"], "spare.dc1",
            ],
        ])
        target.labels = ["zone": "a"]
        let hosts = try SSHTarget(target).hosts
        #expect(hosts.map(\.domain) == ["r1", "r1", "r2", "attic", "row-1"])
        #expect(hosts.map { $0.labels["zone"] } == ["a", "a", "b", "a", "a"])
        #expect(hosts[1].labels["rack"] == "r1")
        #expect(faults(["hosts": [["host": "n1", "labels": "rack"]]]).map(\.code) == [.wrongType])
        #expect(faults(["hosts": [["host": "n1", "lables": [:]]]]).first?.help == "did you mean `labels`?")
    }

    @Test func hostsHaveNamesAndLogins() throws {
        let settings: Attributes = [
            "hosts": [
                "r1-n[1:2].dc1.example", "root@10.0.0.7:2222",
                ["host": "Spare.example", "name": "spare", "user": "eve", "port": 23, "domain": "row-2"],
            ],
            "user": "ops", "identity": "~/.ssh/id", "jump": ["gate"], "domain": "row-1",
            "become": ["way": "sudo", "password": .secret(Secret(digest: "d", plaintext: "p"))],
            "passphrase": .secret(Secret(digest: "d", plaintext: "q")),
        ]
        let read = try SSHTarget(target(settings))
        #expect(read.hosts.map(\.name) == ["r1-n1", "r1-n2", "10-0-0-7", "spare"])
        #expect(read.hosts.map(\.domain) == ["row-1", "row-1", "row-1", "row-2"])
        var common = HostLogin(address: "r1-n2.dc1.example", user: "ops", identity: ["~/.ssh/id"], jump: ["gate"])
        // That there are secrets is no secret: who has the state alone knows to ask the manifest.
        common.hasSecrets = true
        #expect(common.value.mapValue?["secrets"] == true && HostLogin(common.value) == common)
        #expect(read.hosts[1].login == common)
        #expect(read.hosts[2].login.user == "root" && read.hosts[2].login.port == 2222)
        #expect(read.hosts[3].login.user == "eve" && read.hosts[3].login.port == 23)
        #expect(read.elevation.way == .sudo && read.elevation.password == "p" && read.secrets.passphrase == "q")
        #expect(read.folder == "/var/lib/osiris")
        // Nothing secret in what is recorded and printed.
        #expect(!"\(read.hosts[0].login.value)".contains("q") && !"\(read.elevation)".contains("p"))
        #expect(try SSHTarget(target(["hosts": ["a"]])).hosts[0].domain == "rack-a")
    }

    @Test func targetsAreKnownAsTheManifestHasThem() {
        let targets = KnownTargets()
        var cluster = cluster(in: "/")
        cluster.targets = [target(["hosts": ["n[1:3].dc1"], "user": "ops"])]
        #expect(targets["rack-a", cluster]?["n2"]?.login.user == "ops")
        #expect(targets["rack-a", cluster]?["n4"] == nil && targets["rack-b", cluster] == nil)
        cluster.targets = [target(["hosts": ["n[2:4].dc1"], "user": "eve"])]
        #expect(targets["rack-a", cluster]?["n4"]?.login.user == "eve" && targets["rack-a", cluster]?["n1"] == nil)
        cluster.targets = [target(["hosts": ["n1", "n1"]])]
        #expect(targets["rack-a", cluster] == nil)
    }

    @Test func everyFaultIsToldAtOnce() {
        let found = faults([
            "hosts": [
                "n[1", "-x", "r1_n1", ["name": "x"], ["host": "a[1:2]", "name": "b"], ["host": "c", "size": 1],
                ["host": "d", "port": 0], 7, "e.one", "e.two",
            ], "identity": 3, "jump": ["a b"],
        ])
        #expect(
            found.map(\.code) == [
                .wrongType, .invalidPattern, .invalidPattern, .invalidPattern, .invalidName, .missingKey,
                .conflictingKeys, .unknownKey, .outOfRange, .wrongType, .duplicateName, .duplicateName,
            ])
        #expect(found.last?.message == "`e.one` and `e.two` would both be called `e`")
    }
}
