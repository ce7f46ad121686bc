import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

/// What is left when the provisioner is killed between two steps, and what the next run makes of it.
@Suite struct LocalCrashTests {
    /// A provider that remembers nothing: another process.
    private func restarted(_ hub: FakeHub) -> any ResourceHandler {
        LocalProvider(
            hubVersion: "1.0.0", program: hub.folder.path + "/program/osiris-hub", http: testHTTP
        ).handler("hub")
    }

    private func expectOneHub(_ hub: FakeHub, _ attributes: Attributes) async {
        #expect(hub.processes.count == 1)
        #expect(await hub.read(attributes).attributes == attributes)
    }

    @Test func afterTheFolderWasMade() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try FileManager.default.createDirectory(atPath: hub.data, withIntermediateDirectories: true)
        #expect(await hub.read([:]).isAbsent)
        guard case .notLanded = try await restarted(hub).resolve(try hub.request("t")) else {
            Issue.record("landed")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: hub.data))
        await expectOneHub(hub, try await restarted(hub).create(try hub.request("t")))
    }

    @Test func afterTheConfigurationWasWritten() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        _ = try await hub.handler.create(try hub.request("t"))
        for process in hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { await hub.read([:]).attributes?["status"] == "stopped" })
        guard case .landed(let found) = try await restarted(hub).resolve(try hub.request("t")) else {
            Issue.record("not landed")
            return
        }
        await expectOneHub(hub, found)
    }

    @Test func whileTheHubStarts() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try hub.setMode(["startDelay": 2])
        let first = restarted(hub)
        let request = try hub.request("t")
        let abandoned = Task { try await first.create(request) }
        // There is a process and not yet a note of it.
        #expect(await eventually { hub.processes.count == 1 })
        #expect(!FileManager.default.fileExists(atPath: hub.data + "/hub.pid"))
        abandoned.cancel()
        _ = try? await abandoned.value
        try hub.setMode([:])
        await expectOneHub(hub, try await restarted(hub).create(request))
    }

    @Test func afterEverythingButTheAnswer() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let first = try await hub.handler.create(try hub.request("t"))
        let before = hub.processes
        // In this process the token is known; in another nobody knows it, and the hub gets a new one.
        #expect(try await hub.handler.create(try hub.request("t")) == first)
        #expect(hub.processes == before)
        let second = try await restarted(hub).create(try hub.request("t"))
        #expect(second["token"] != first["token"])
        await expectOneHub(hub, second)
        let other = try await restarted(hub).create(try hub.request("another operation"))
        await expectOneHub(hub, other)
    }

    @Test func inTheMiddleOfAnUpdate() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        let port = try freePort()
        let update = try hub.request("u", prior: created, changes: ["port": .int(port)])
        guard case .notLanded = try await hub.handler.resolve(update) else {
            Issue.record("landed")
            return
        }
        // Written, and not restarted.
        let text = String(
            decoding: FileManager.default.contents(atPath: hub.data + "/hub.json") ?? Data(), as: UTF8.self)
        let file = hub.data + "/hub.json"
        try Data(text.replacingOccurrences(of: "\(hub.port)", with: "\(port)").utf8).write(
            to: URL(fileURLWithPath: file))
        chmod(file, 0o600)
        #expect(await hub.read(created).attributes?["status"] == "unresponsive")
        let updated = try await hub.handler.update(update)
        #expect(updated["port"] == .int(port) && updated["token"] == created["token"])
        await expectOneHub(hub, updated)
        guard case .landed(let found) = try await hub.handler.resolve(update) else {
            Issue.record("not landed")
            return
        }
        #expect(found == updated)
    }

    @Test func aHubThatDoesNotHearTermIsKilled() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        try hub.setMode(["stubborn": true])
        try await hub.handler.delete(try hub.request("d", prior: created))
        #expect(hub.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.data))
    }
}
