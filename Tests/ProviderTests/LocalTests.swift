import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

@Suite struct LocalTests {
    @Test func conforms() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let request = try hub.request("t")
        let run = Conformance(
            hub.handler, cluster: hub.cluster, address: hub.address, planned: request.planned,
            changed: request.planned.merging(["port": .int(try freePort())]) { $1 })
        #expect(try await run.violations() == [])
        #expect(hub.processes.isEmpty)
        // The fence outlives the hub.
        let left = try FileManager.default.contentsOfDirectory(atPath: hub.cluster.folder + "/.osiris/hubs")
        #expect(left == [".fence-here"])
    }

    @Test func theTokenIsInNoFileAndNoFileIsOpenToOthers() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        let token = try #require(created["token"]?.stringValue)
        #expect(token.count == 43)
        for name in try FileManager.default.contentsOfDirectory(atPath: hub.data) {
            let text = String(
                decoding: FileManager.default.contents(atPath: hub.data + "/" + name) ?? Data(), as: UTF8.self)
            #expect(!text.contains(token), "\(name)")
        }
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(hub.data + "/hub.json") == 0o600 && mode(hub.data) == 0o700)
        let config = try #require(FileManager.default.contents(atPath: hub.data + "/hub.json"))
        let keys = try #require(try Value(plainJSON: config).mapValue).keys.sorted()
        #expect(keys == ["address", "cluster", "generation", "host", "port", "tokens"])
        try await hub.handler.delete(try hub.request("d", prior: created))
    }

    @Test func aKilledHubReadsAsStoppedAndAnUpdateStartsItWithItsToken() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        #expect(await hub.read(created).attributes == created)
        let process = try #require(hub.processes.first)
        kill(process, SIGKILL)
        #expect(await eventually { await hub.read(created).attributes?["status"] == "stopped" })
        let updated = try await hub.handler.update(try hub.request("u", prior: created))
        #expect(updated == created && hub.processes.count == 1)
        #expect(await hub.read(updated).attributes == created)
    }

    @Test func aProcessWithTheNumberOfTheHubIsNotTheHub() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        for process in hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { await hub.read(created).attributes?["status"] == "stopped" })
        // This test's own process under the hub's name: it must live through the deletion.
        let note = "{\"pid\":\(getpid()),\"startTime\":1,\"port\":\(hub.port)}"
        try Data(note.utf8).write(to: URL(fileURLWithPath: hub.data + "/hub.pid"))
        #expect(await hub.read(created).attributes?["status"] == "stopped")
        try await hub.handler.delete(try hub.request("d", prior: created))
        #expect(!FileManager.default.fileExists(atPath: hub.data))
    }

    @Test func aProgramOnThePortIsNamed() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let descriptor = try listener(port: hub.port)
        defer { close(descriptor) }
        let error = await providerError { _ = try await hub.handler.create(try hub.request("t")) }
        #expect(error?.kind == .rejected && error?.attribute == "port")
        #expect(error?.message.contains("port \(hub.port)") == true)
        #expect(hub.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.data))
    }

    @Test func aHubThatEndsAtItsStartIsReportedWithItsLog() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try hub.setMode(["exit": true])
        let clock = ContinuousClock()
        var error: ProviderError?
        let time = await clock.measure {
            error = await providerError { _ = try await hub.handler.create(try hub.request("t")) }
        }
        #expect(error?.kind == .rejected && time < .seconds(29), "the deadline of 30 s was waited for")
        #expect(error?.message.contains("the catalog is damaged") == true, "\(error?.message ?? "")")
        #expect(await hub.read([:]).isAbsent)
    }

    @Test func aMissingProgramAndAnotherVersionAreRefused() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let other = LocalProvider(hubVersion: "1.0.0", program: "/nowhere/osiris-hub", http: testHTTP)
        let missing = await providerError { _ = try await other.handler("hub").create(try hub.request("t")) }
        #expect(missing?.kind == .rejected && missing?.help?.contains("OSIRIS_HUB") == true)
        try hub.setMode(["version": "0.9.0"])
        let version = await providerError { _ = try await hub.handler.create(try hub.request("t")) }
        #expect(version?.message.contains("0.9.0") == true)
        #expect(hub.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.data))
    }

    @Test func anotherClustersFolderIsLeftAlone() async throws {
        var hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        hub.cluster.name = "other"
        let error = await providerError { _ = try await hub.handler.create(try hub.request("t2")) }
        #expect(error?.kind == .rejected && hub.processes.count == 1)
        let deletion = await providerError { try await hub.handler.delete(try hub.request("d")) }
        #expect(deletion?.kind == .rejected && hub.processes.count == 1)
        hub.cluster.name = "edge"
        #expect(await hub.read(created).attributes == created)
    }
}
