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
        #expect(FileManager.default.fileExists(atPath: hub.data))
        // A create that fails for good takes such a folder with it.
        try hub.setMode(["exit": true])
        let failed = await providerError { _ = try await restarted(hub).create(try hub.request("t")) }
        #expect(failed?.kind == .rejected && !FileManager.default.fileExists(atPath: hub.data))
        try hub.setMode([:])
        try FileManager.default.createDirectory(atPath: hub.data, withIntermediateDirectories: true)
        await expectOneHub(hub, try await restarted(hub).create(try hub.request("t")))
    }

    @Test func afterTheConfigurationWasWritten() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        _ = try await hub.handler.create(try hub.request("t"))
        for process in hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { await hub.read([:]).attributes?["status"] == "stopped" })
        try await expectNothingChanged(hub) {
            guard case .unfinished(let found, let why) = try await restarted(hub).resolve(try hub.request("t")) else {
                Issue.record("not unfinished")
                return
            }
            #expect(found["status"] == "stopped" && found["token"] == nil && why.contains("token"))
        }
        // By an update, as a plan does, or by the same create again.
        let updated = try await restarted(hub).update(
            try hub.request("u", prior: ["status": "stopped", "port": .int(hub.port)]))
        await expectOneHub(hub, updated)
        await expectOneHub(hub, try await restarted(hub).create(try hub.request("t")))
    }

    @Test func afterTheHubWasStarted() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        try await expectNothingChanged(hub) {
            guard case .landed(let found) = try await hub.handler.resolve(try hub.request("t")) else {
                Issue.record("not landed")
                return
            }
            #expect(found == created)
            // In another process nobody knows the token.
            guard case .unfinished(let lost, _) = try await restarted(hub).resolve(try hub.request("t")) else {
                Issue.record("not unfinished")
                return
            }
            #expect(await hub.read(lost).attributes == lost)
        }
    }

    /// Files, processes and calls to the hub are as they were, but for questions.
    private func expectNothingChanged(_ hub: FakeHub, _ body: () async throws -> Void) async throws {
        func files() -> [String: Data] {
            var found: [String: Data] = [:]
            for name in FileManager.default.enumerator(atPath: hub.cluster.folder) ?? .init() {
                let name = "\(name)"
                found[name] = FileManager.default.contents(atPath: hub.cluster.folder + "/" + name) ?? Data()
            }
            return found
        }
        let before = (files(), hub.processes, hub.requests.count)
        try await body()
        #expect(files() == before.0 && hub.processes == before.1)
        #expect(hub.requests.dropFirst(before.2).allSatisfy { $0.hasPrefix("GET ") })
    }

    @Test func whileTheHubStarts() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try hub.setMode(["stuck": true])
        let first = restarted(hub)
        let request = try hub.request("t")
        let abandoned = Task { try await first.create(request) }
        // There is a process and not yet a note of it.
        #expect(await eventually { FileManager.default.fileExists(atPath: hub.folder.path + "/program/is-stuck") })
        #expect(hub.processes.count == 1)
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
