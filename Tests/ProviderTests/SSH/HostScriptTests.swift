import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSSH

/// The scripts that change a host, run by this machine's shell with stand-ins for the engine and for systemd.
@Suite struct HostScriptTests {
    @Test(arguments: HostScript.allCases) func isShortEnoughForACommandLine(_ script: HostScript) {
        // Twice quoted, with its arguments: see `SSHConnection.run(script:)`.
        #expect(script.text.utf8.count < 16_000)
    }

    @Test func aHostOfAnotherClusterIsLeftAlone() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        let other = try await host.run(
            .host, [], FakeHost.payload(["host.json": "{}"]), cluster: "other")
        #expect(other.status == 65 && other.errors.hasPrefix("osiris: it belongs to another: "))
        #expect(host.text("host.json") == FakeHost.marker("host"))
    }

    @Test func aRunThatWasOvertakenChangesNothing() async throws {
        let host = try FakeHost()
        #expect(try await host.run(.fence, lock: 7).status == 0)
        let late = try await host.run(.host, [], FakeHost.payload(["host.json": "{}"]), lock: 6)
        #expect(late.status == 75 && late.errors == "osiris: it was changed by a later run (lock 7, this run has 6)\n")
        #expect(host.text("host.json") == "")
        // Another state's locks count by themselves, and removing the host keeps both.
        let mine = FakeHost.payload(["host.json": FakeHost.marker("host")])
        #expect(try await host.run(.host, [], mine, lineage: "m", lock: 1).status == 0)
        #expect(try await host.adopt().status == 75)
        #expect(try await host.run(.hostRemove, lock: 8).status == 0)
        #expect(Set(host.text("fence").split(separator: "\n")) == ["l 8", "m 1"])
    }

    /// Every marker names its address anew, the host's own first; run again, it comes to the same end.
    @Test func aMarkerGetsAnotherAddress() async throws {
        let host = try FakeHost()
        let early = try await host.run(.move, ["host"], FakeHost.payload(["host.json": "{}"]))
        #expect(early.status == 65, "nobody's host: \(early)")
        #expect(try await host.adopt().status == 0)
        let engine = FakeHost.marker("engine").replacing("n01", with: "db1")
        for _ in 1...2 {
            #expect(try await host.run(.move, ["engine"], FakeHost.payload(["engine.json": engine])).status == 0)
            #expect(host.text("engine.json") == engine)
        }
        let late = try await host.run(.move, ["engine"], FakeHost.payload(["engine.json": "{}"]), lock: 0)
        #expect(late.status == 75 && host.text("engine.json") == engine)
        let moved = FakeHost.marker("host").replacing("n01", with: "db1")
        #expect(try await host.run(.move, ["host"], FakeHost.payload(["host.json": moved])).status == 0)
        #expect(host.text("host.json") == moved)
        // From now on it is asked for under its new name.
        #expect(try await host.run(.move, ["engine"], FakeHost.payload(["engine.json": engine])).status == 65)
    }

    @Test func aPayloadCutOffChangesNothing() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        let whole = FakeHost.payload(["host.json": "{}"]).bytes
        for length in stride(from: 0, to: whole.count - 1, by: 5) {
            let end = try await host.run(.host, bytes: Array(whole.prefix(length)))
            #expect(end.status == 70, "after \(length) bytes")
        }
        #expect(host.text("host.json") == FakeHost.marker("host"))
    }

    @Test(arguments: [true, false]) func aHubIsBroughtChangedAndRemoved(isSystemd: Bool) async throws {
        let host = try FakeHost(isSystemd: isSystemd)
        #expect(try await host.adopt().status == 0)
        let first = #"{"tls":1}"#
        let made = try await host.hub(first)
        #expect(made == .init(status: 0, output: "", errors: ""))
        #expect(host.isRunning && host.text("data/hub.json") == first && host.text("data/tls.pem") == "key of \(first)")
        #expect(host.text("hub.json") == FakeHost.marker("hub"))
        let starts = { host.calls.filter { $0.contains("restart") || $0.hasPrefix("podman run") }.count }
        #expect(starts() == 1)
        // The same again starts nothing; another configuration does.
        #expect(try await host.hub(first, operation: "p").status == 0)
        #expect(starts() == 1 && host.text("hub.json") == FakeHost.marker("hub", operation: "p"))
        #expect(try await host.hub("second").status == 0)
        #expect(starts() == 2 && host.text("data/hub.json") == "second" && host.text("data/tls.pem") == "")
        #expect(try await host.run(.hubRemove, ["podman"]).status == 0)
        #expect(try await host.run(.hostRemove).status == 0)
        #expect(!host.isRunning)
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.folder) == ["fence"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.files.path + "/etc") == ["nothing"])
    }

    @Test func aHubThatDoesNotBecomeReadyGivesWayToTheOneBefore() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        let none = try await host.hub("bad")
        #expect(none.status == 65 && none.errors.contains("the hub did not become ready: the hub's last words"))
        #expect(!host.isRunning && host.text("hub.json") == "" && host.text("data/hub.json") == "")
        let good = #"{"tls":"good"}"#
        #expect(try await host.hub(good).status == 0)
        let bad = try await host.hub("bad", operation: "p")
        #expect(bad.status == 65 && bad.errors.hasSuffix("; the previous hub runs again\n"))
        #expect(host.isRunning && host.text("data/hub.json") == good && host.text("data/tls.pem") == "key of \(good)")
        let old = try await host.hub("other", version: "2.0.0")
        #expect(
            old.errors.contains("the image holds hub version 1.0.0, planned was 2.0.0; the previous hub runs again"))
        #expect(host.text("hub.json") == FakeHost.marker("hub"))
    }

    @Test func aHubThatNobodyConfirmsGivesWayToTheOneBefore() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        #expect(try await host.hub("first").status == 0)
        let risky = try await host.hub("second", confirm: 60, operation: "p")
        #expect(risky == .init(status: 0, output: "unconfirmed\n", errors: ""))
        #expect(host.calls.contains("armed") && host.text("hub.json") == FakeHost.marker("hub"))
        // The time is over: this is what the host runs by itself.
        #expect(try await host.run(.hubRevert, ["podman"]).status == 0)
        #expect(host.text("data/hub.json") == "first" && host.isRunning)
        let late = try await host.run(.hubConfirm, ["podman"])
        #expect(late.status == 65 && late.errors.contains("has put the previous one back"))

        #expect(try await host.hub("third", confirm: 60, operation: "q").status == 0)
        #expect(try await host.run(.hubConfirm, ["podman"]).status == 0)
        #expect(host.text("hub.json") == FakeHost.marker("hub", operation: "q"))
        #expect(try await host.run(.hubRevert, ["podman"]).status == 0)
        #expect(host.text("data/hub.json") == "third", "nothing is left to go back to")
    }

    @Test func oneImageBesideThePresentOneIsKept() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        for image in ["a", "b", "c"] {
            let archive = host.folder + "/upload/\(image).tar"
            try host.files.write(image + "\n", to: "brings")
            let payload = FakeHost.payload(["image.json": FakeHost.marker("image", operation: image)])
            let first = try await host.run(.image, ["podman", image, archive], payload)
            #expect(first.status == 66, "its archive is asked for")
            try Data().write(to: URL(fileURLWithPath: archive))
            #expect(try await host.run(.image, ["podman", image, archive], payload).status == 0)
            #expect(!FileManager.default.fileExists(atPath: host.folder + "/upload"))
        }
        #expect(host.files.text("store") == "b\nc\n" && host.text("images") == "b\nc\n")
        #expect(try await host.run(.imageRemove, ["podman"]).status == 0)
        #expect(host.files.text("store") == "")
    }

    /// Killed anywhere, with all it has started; the next run ends as one that was never interrupted.
    @Test func aKilledScriptIsFinishedByTheNext() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = Seeded(seed)
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        #expect(try await host.hub("first").status == 0)
        for round in 1...15 {
            let config = "config \(round)"
            let (process, end) = try host.startHub(config, operation: "k\(round)", lock: round)
            // Any moment of its work will do.
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...120, using: &random)))
            kill(-process.processIdentifier, SIGKILL)
            kill(process.processIdentifier, SIGKILL)
            _ = try await end.value
            if round.isMultiple(of: 3) {
                let bad = try await host.hub("bad", operation: "bad", lock: round)
                #expect(bad.status == 65 && bad.errors.hasSuffix("the previous hub runs again\n"), "seed \(seed)")
                #expect(host.isRunning && !host.text("data/hub.json").contains("bad"), "seed \(seed), round \(round)")
            }
            let after = try await host.hub(config, operation: "k\(round)", lock: round)
            #expect(after.status == 0, "seed \(seed), round \(round): \(after)")
            #expect(host.isRunning && host.text("data/hub.json") == config, "seed \(seed), round \(round)")
            #expect(host.text("hub.json") == FakeHost.marker("hub", operation: "k\(round)"))
            let left = try FileManager.default.contentsOfDirectory(atPath: host.folder)
            #expect(Set(left).isDisjoint(with: ["new", "previous"]), "seed \(seed), round \(round): \(left)")
        }
    }

    @Test(arguments: [true, false]) func aDrainedHostIsLeftAndComesBack(isSystemd: Bool) async throws {
        let host = try FakeHost(isSystemd: isSystemd)
        let mark = FakeHost.payload(["cordon.json": #"{"drained":true}"#])
        let early = try await host.run(.cordon, ["podman", "yes"], mark)
        #expect(early.status == 65 && host.text("cordon.json") == "", "\(early)")
        #expect(try await host.adopt().status == 0)
        #expect(try await host.hub(#"{"tls":1}"#).status == 0)
        #expect(try await host.run(.cordon, ["podman", "no"], FakeHost.payload(["cordon.json": "{}"])).status == 0)
        #expect(host.isRunning && host.text("cordon.json") == "{}")
        #expect(try await host.run(.cordon, ["podman", "yes"], mark).status == 0)
        #expect(!host.isRunning && host.text("cordon.json") == #"{"drained":true}"#)
        if isSystemd { #expect(host.calls.contains { $0.contains("disable osiris-hub") }) }
        for _ in 0..<2 {
            let back = try await host.run(.uncordon, ["podman"])
            #expect(back == .init(status: 0, output: "", errors: "") && host.isRunning, "\(back)")
        }
        #expect(host.text("cordon.json") == "" && host.text("new/start") == "")
    }
}

/// The same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
