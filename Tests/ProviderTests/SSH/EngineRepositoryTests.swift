import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@testable import ProviderSSH

/// Package sources of engines: what is written, and when. That apt takes them is tested on a rack.
@Suite struct EngineRepositoryTests {
    private static let apt: Value = [
        "url": "https://packages.example/debian", "suite": "bookworm", "components": ["stable", "test"],
        "key": "keys/a.asc", "package": "docker-ce",
    ]
    private static let dnf: Value = ["url": "https://packages.example/el9/", "key": "keys/a.asc"]

    @Test func texts() throws {
        #expect(
            try #require(EngineRepository(Self.apt)).text == """
                # Put here by osiris.
                Types: deb
                URIs: https://packages.example/debian
                Suites: bookworm
                Components: stable test
                Signed-By: /etc/apt/keyrings/osiris-engine.asc

                """)
        #expect(
            try #require(EngineRepository(Self.dnf)).text == """
                # Put here by osiris.
                [osiris-engine]
                name=Container engine
                baseurl=https://packages.example/el9/
                enabled=1
                gpgcheck=1
                gpgkey=file:///etc/pki/rpm-gpg/osiris-engine.asc

                """)
    }

    private static func faults(_ repository: Value, _ more: Attributes = [:]) -> [Diagnostic] {
        let engine = Value.map(["repository": repository].merging(more) { $1 })
        let target = Target(
            name: "rack-a", provider: "ssh", settings: ["engine": engine], spans: nowhere)
        return EngineRepository.faults(target)
    }

    @Test func everyFaultIsTold() {
        #expect(Self.faults(Self.apt).isEmpty && Self.faults(Self.dnf).isEmpty)
        #expect(Self.faults(["url": "file:/srv/packages", "suite": "./", "key": "a"]).isEmpty)
        for (key, bad) in [
            ("url", "packages.example"), ("url", "https://a b"), ("url", "https://a\nTrusted:yes"), ("suite", "a b"),
            ("package", "docker-ce; reboot"), ("suite", "a\nb"),
        ] {
            var fields = Self.apt.mapValue ?? [:]
            fields[key] = .string(bad)
            #expect(Self.faults(.map(fields)).map(\.code) == [.invalidPattern], "\(key): \(bad)")
        }
        #expect(Self.faults(Self.apt, ["packages": "debs"]).map(\.code) == [.conflictingKeys])
        #expect(
            Self.faults(["url": "https://a", "suite": "./", "components": ["main"], "key": "a"]).map(\.code)
                == [.conflictingKeys])
        #expect(
            Self.faults(["url": "https://a", "components": ["main"], "key": "a"]).map(\.code) == [.conflictingKeys])
        #expect(Self.faults(["url": "https://a", "suite": "bookworm", "key": "a"]).map(\.code) == [.missingKey])
    }

    @Test func aHostOfAnotherPackageProgramIsSetAside() throws {
        func codes(_ program: String, _ repository: Value) throws -> [DiagnosticCode] {
            let text =
                #"{"arch":"x86_64","rights":"root","listening":{},"packages":"\#(program)","clock":0,"os":"x","osVersion":"1"}"#
            let facts = try #require(HostFacts(Array(text.utf8), began: 0, ended: 1))
            let wishes = HostWishes(
                cluster: "edge", address: "rack-a/host.n1", port: 8080, repository: EngineRepository(repository))
            return HostPreflight.faults(facts, wishes, of: "n1").map(\.code)
        }
        #expect(try codes("apt-get", Self.apt).isEmpty && codes("dnf", Self.dnf).isEmpty)
        #expect(try codes("dnf", Self.apt) == [.hostNoEngine])
        #expect(try codes("apt-get", Self.dnf) == [.hostNoEngine])
        #expect(try codes("zypper", Self.dnf) == [.hostNoEngine])
    }

    private static func engine(_ host: FakeHost, _ repository: Value?) async throws -> FakeHost.End {
        let source = EngineRepository(repository)
        return try await host.run(
            .engine, ["auto", "yes", "-", source?.program ?? "-", source?.package ?? "-"],
            FakeHost.payload([
                "engine.json": FakeHost.marker("engine"), "packages": "", "repository": source?.text ?? "",
                "repository.key": "the key",
            ]))
    }

    /// One that osiris has installed the engine from is exchanged and goes; a host's own engine gets none.
    @Test func comesAndGoesWithTheEngine() async throws {
        let host = try FakeHost()
        try host.files.write(
            program: "#!/bin/sh\necho \"dnf $*\" >>$(dirname $0)/../calls\n! [ -e $(dirname $0)/../broken ]\n",
            to: "bin/dnf")
        let (list, key) = ("etc/yum.repos.d/osiris-engine.repo", "etc/pki/rpm-gpg/osiris-engine.asc")
        #expect(try await host.adopt().status == 0)
        #expect(try await Self.engine(host, Self.dnf).status == 0)
        #expect(host.files.text(list) == "", "its engine is its own")

        try host.files.write("podman\n", to: "osiris/engine.packages")
        try host.files.write("mine", to: list)
        let foreign = try await Self.engine(host, Self.dnf)
        #expect(foreign.status == 65 && foreign.errors.contains("osiris did not put it there"), "\(foreign)")
        #expect(host.files.text(list) == "mine")
        try FileManager.default.removeItem(atPath: "\(host.files.path)/\(list)")

        #expect(try await Self.engine(host, Self.dnf).status == 0)
        #expect(host.files.text(list) == EngineRepository(Self.dnf)?.text && host.files.text(key) == "the key")
        #expect(host.calls.count { $0.hasPrefix("dnf ") } == 1)
        // The same again reads nothing; a broken one leaves what was there.
        #expect(try await Self.engine(host, Self.dnf).status == 0)
        #expect(host.calls.count { $0.hasPrefix("dnf ") } == 1)
        try host.files.write("", to: "broken")
        let broken = try await Self.engine(host, ["url": "https://elsewhere.example", "key": "b"])
        #expect(broken.status == 70 && broken.errors.contains("engine.repository cannot be read"), "\(broken)")
        #expect(host.files.text(list) == EngineRepository(Self.dnf)?.text)
        try FileManager.default.removeItem(atPath: host.files.path + "/broken")

        #expect(try await Self.engine(host, nil).status == 0)
        for file in [list, key, "osiris/engine.source"] {
            #expect(!FileManager.default.fileExists(atPath: "\(host.files.path)/\(file)"), "\(file)")
        }
        #expect(try await Self.engine(host, Self.dnf).status == 0)
        // The stand-in for the engine has nothing in it that is not ours; what would be purged is of this machine.
        try host.files.write("", to: "osiris/engine.packages")
        #expect(try await host.run(.engineRemove, ["podman"]).status == 0)
        #expect(!FileManager.default.fileExists(atPath: "\(host.files.path)/\(list)"))
    }
}
