import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

/// The hub in a container, against a stand-in for podman.
@Suite struct PodmanTests {
    @Test func conforms() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let planned = try podman.request("t").planned
        #expect(planned["image"] == .string(FakePodman.firstImage))
        let run = Conformance(
            podman.handler, cluster: podman.hub.cluster, address: podman.hub.address, planned: planned,
            changed: planned.merging(["port": .int(try freePort())]) { $1 })
        #expect(try await run.violations() == [])
        #expect(podman.hub.processes.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: podman.hub.data))
        #expect(podman.changes.filter { $0[0] == "load" }.count == 1, "one image, one load")
    }

    @Test func theContainerIsRunWithTheseArguments() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let created = try await podman.handler.create(try podman.request("t"))
        #expect(podman.changes.map { $0[0] } == ["load", "run"])
        let run = try #require(podman.changes.last)
        let name = try #require(run.firstIndex(of: "--name").map { run[$0 + 1] })
        #expect(name.wholeMatch(of: #/osiris-edge-here-[0-9a-f]{8}/#) != nil)
        #expect(
            run == [
                "run", "--detach", "--replace", "--name", name, "--pull=never", "--label", "osiris.cluster=edge",
                "--label", "osiris.address=here/hub.here", "--user=0:0", "--restart=always", "--stop-timeout=12",
                "--network=host",
                "--http-proxy=false", "--cap-drop=all", "--cap-add=net_bind_service",
                "--security-opt=no-new-privileges", "--log-driver=k8s-file", "--log-opt=max-size=10mb", "--mount",
                "type=bind,\"src=\(podman.hub.data)\",dst=/data", FakePodman.firstImage, "serve", "--data", "/data",
            ])
        let token = try #require(created["token"]?.stringValue)
        #expect(!podman.hub.folder.text("program/calls").contains(token))
        #expect(PodmanHub.mount("/a,b/\"c\"") == "type=bind,\"src=/a,b/\"\"c\"\"\",dst=/data")
        try await podman.handler.delete(try podman.request("d", prior: created))
        #expect(podman.changes.last == ["rm", "--force", "--ignore", "--time", "12", name])
    }

    @Test func aKilledContainerReadsAsStoppedAndAnUpdateStartsAnother() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let created = try await podman.handler.create(try podman.request("t"))
        #expect(await podman.read(created).attributes == created)
        for process in podman.hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { await podman.read(created).attributes?["status"] == "stopped" })
        let updated = try await podman.handler.update(try podman.request("u", prior: created))
        #expect(updated == created && podman.hub.processes.count == 1)
        #expect(await podman.read(updated).attributes == created)
    }

    @Test func anArchiveMadeAnewIsAnotherImage() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let created = try await podman.handler.create(try podman.request("t"))
        let stale = try podman.request("u", prior: created)
        try podman.setArchive(FakePodman.secondImage)
        let update = try podman.request("u", prior: created)
        #expect(update.planned["image"] == .string(FakePodman.secondImage))
        let updated = try await podman.handler.update(update)
        #expect(updated["image"] == .string(FakePodman.secondImage) && podman.hub.processes.count == 1)
        #expect(await podman.read(updated).attributes == updated)
        // A plan made before: its image is neither in podman nor in the archive.
        try podman.hub.folder.write("", to: "program/images")
        let error = await providerError { _ = try await podman.handler.update(stale) }
        #expect(error?.message.contains(FakePodman.secondImage) == true && error?.help?.contains("plan again") == true)
        #expect(podman.hub.processes.count == 1, "the hub was stopped for a start that cannot work")
    }

    @Test func anImageThatIsNowhereIsRefusedBeforeAnythingIsStopped() async throws {
        var podman = try await FakePodman()
        defer { podman.hub.end() }
        let created = try await podman.handler.create(try podman.request("t"))
        podman.hub.cluster.hub.archive = nil
        podman.hub.cluster.hub.image = "localhost/none:1"
        let error = await providerError {
            _ = try await podman.handler.update(try podman.request("u", prior: created))
        }
        #expect(error?.message.contains("there is no image localhost/none:1") == true)
        #expect(error?.help?.contains("make hub-image") == true && podman.hub.processes.count == 1)
    }

    @Test func aMissingPodmanIsRefusedWithTheNextStep() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let other = LocalProvider(hubVersion: "1.0.0", podman: "/nowhere/podman", http: testHTTP)
        let error = await providerError { _ = try await other.handler("hub").create(try podman.request("t")) }
        #expect(error?.kind == .rejected && error?.help?.contains("apt-get install podman") == true)
        #expect(!FileManager.default.fileExists(atPath: podman.hub.data))
    }

    @Test func aPodmanThatFailsIsNotAHubThatIsGone() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let created = try await podman.handler.create(try podman.request("t"))
        try podman.hub.folder.write("", to: "program/broken")
        #expect(await podman.read(created).reason?.contains("the storage is broken") == true)
        let error = await providerError {
            try await podman.handler.delete(try podman.request("d", prior: created))
        }
        #expect(error?.message.contains("the storage is broken") == true)
        #expect(FileManager.default.fileExists(atPath: podman.hub.data))
    }

    @Test func aHubThatEndsAtItsStartIsReportedWithItsLog() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        try podman.hub.setMode(["exit": true])
        let error = await providerError { _ = try await podman.handler.create(try podman.request("t")) }
        #expect(error?.message.contains("the catalog is damaged") == true, "\(error?.message ?? "")")
        #expect(error?.help?.hasPrefix("`podman logs osiris-edge-here-") == true)
        #expect(await podman.read([:]).isAbsent && podman.hub.processes.isEmpty)
        #expect(podman.changes.last?.first == "rm")
    }

    /// Killed before the image was noted, before the container was run, and before the answer was recorded.
    @Test(arguments: [true, false], [true, false]) func whatAKilledProvisionerLeftIsFinished(
        noted: Bool, ran: Bool
    ) async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        _ = try await podman.handler.create(try podman.request("t"))
        if !ran {
            for process in podman.hub.processes { kill(process, SIGKILL) }
            #expect(await eventually { podman.hub.processes.isEmpty })
            try FileManager.default.removeItem(atPath: podman.hub.folder.path + "/program/pid")
        }
        if !noted { try FileManager.default.removeItem(atPath: podman.hub.data + "/image") }
        // Another process, which knows nothing of the first.
        let next = LocalProvider(
            hubVersion: "1.0.0", podman: podman.hub.folder.path + "/program/podman", http: testHTTP)
        let before = podman.hub.processes
        let resolution = try await next.handler("hub").resolve(try podman.request("t"))
        guard case .unfinished = resolution else {
            Issue.record("\(resolution)")
            return
        }
        #expect(podman.hub.processes == before)
        let found = try await next.handler("hub").create(try podman.request("t"))
        #expect(podman.hub.processes.count == 1)
        #expect(await podman.read(found).attributes == found)
        try await next.handler("hub").delete(try podman.request("d", prior: found))
        #expect(podman.hub.processes.isEmpty && !FileManager.default.fileExists(atPath: podman.hub.data))
    }

    @Test(arguments: ["process", "podman"]) func theEngineCanChange(first: String) async throws {
        var podman = try await FakePodman()
        defer { podman.hub.end() }
        let provider = LocalProvider(
            hubVersion: "1.0.0", program: podman.hub.folder.path + "/program/osiris-hub",
            podman: podman.hub.folder.path + "/program/podman", http: testHTTP)
        func declared(_ engine: String) throws -> OperationRequest {
            podman.hub.cluster.targets[0].settings["engine"] = .string(engine)
            return try podman.request(engine)
        }
        let created = try await provider.handler("hub").create(try declared(first))
        var update = try declared(first == "process" ? "podman" : "process")
        update.prior = created
        let updated = try await provider.handler("hub").update(update)
        #expect(updated["token"] == created["token"] && podman.hub.processes.count == 1)
        #expect((updated["image"] == nil) == (first == "podman"))
        update.prior = updated
        try await provider.handler("hub").delete(update)
        #expect(podman.hub.processes.isEmpty && !FileManager.default.fileExists(atPath: podman.hub.data))
    }
}
