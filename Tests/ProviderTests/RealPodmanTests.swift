import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import ProviderHub
import Testing

@testable import ProviderLocal

/// Nil where podman or the archive is missing.
private let realArchive: String? = {
    let path = ProcessInfo.processInfo.environment["OSIRIS_HUB_ARCHIVE"] ?? ""
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let hasPodman = folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/podman") }
    return hasPodman && FileManager.default.fileExists(atPath: path) ? path : nil
}()

/// The same promises with podman and the image that users run; `make test-podman` installs and makes what it needs.
@Suite(.enabled(if: realArchive != nil, "make test-podman installs podman and makes an image to test"))
struct RealPodmanTests {
    private func hub() throws -> (FakeHub, LocalProvider) {
        var fake = try FakeHub()
        // Podman knows all clusters of the machine: a name that only this run has.
        fake.cluster.name = "test-" + UUID().uuidString.prefix(8).lowercased()
        fake.cluster.targets = [target("here", "local", ["engine": "podman", "port": .int(fake.port)])]
        fake.cluster.hub.archive = realArchive
        let version = ProcessInfo.processInfo.environment["OSIRIS_HUB_VERSION"] ?? "0.1.0"
        return (fake, LocalProvider(hubVersion: version, http: testHTTP))
    }

    private func containers(_ fake: FakeHub) async throws -> [String] {
        let result = try await Command.run(
            "podman",
            ["ps", "--all", "--filter", "label=osiris.cluster=\(fake.cluster.name)", "--format", "{{.Names}}"]
        )
        return result.output.split(separator: "\n").map(String.init)
    }

    private func remove(_ fake: FakeHub) async throws {
        for name in try await containers(fake) { _ = try await Command.run("podman", ["rm", "--force", name]) }
    }

    @Test func hubAndFunctionsConform() async throws {
        var (fake, local) = try hub()
        let planned = try local.expand(fake.cluster.targets[0], of: fake.cluster).resources[0].attributes
        let hubRun = Conformance(
            local.handler("hub"), cluster: fake.cluster, address: fake.address, planned: planned,
            changed: planned.merging(["port": .int(try freePort())]) { $1 })
        #expect(try await hubRun.violations() == [])
        #expect(try await containers(fake) == [] && !FileManager.default.fileExists(atPath: fake.data))

        try fake.folder.write(
            "import json, os, sqlite3, ssl\n\ndef handle(event):\n"
                + "    return {'greeting': 'hi ' + event['name'], 'boxed': os.path.exists('/run/.containerenv')}\n",
            to: "manifest/functions/hello/hello.py")
        let smoke = FunctionSpec.Smoke(
            input: ["name": "Ada"], expect: ["greeting": "hi Ada", "boxed": true], withinMilliseconds: 5000)
        let spec = try function("hello", source: fake.cluster.folder + "/functions/hello", smoke: smoke)
        fake.cluster.functions = [spec]
        var request = try fake.request("hub")
        request.planned = planned
        let created = try await local.handler("hub").create(request)
        let arguments = FunctionResource.arguments(spec)
        let functionRun = Conformance(
            HubProvider(http: testHTTP).handler("function"), cluster: fake.cluster,
            address: ResourceAddress(target: "here", type: "function", name: "here.demo.hello"), planned: arguments,
            changed: arguments.merging(["env": ["GREETING": "hello"]]) { $1 }, ancestors: [created])
        #expect(try await functionRun.violations() == [])
        request.prior = created
        try await local.handler("hub").delete(request)
        #expect(try await containers(fake) == [] && !FileManager.default.fileExists(atPath: fake.data))
    }

    @Test func aKilledContainerIsStoppedAndOneThatCannotStartSaysWhy() async throws {
        let (fake, local) = try hub()
        let handler = local.handler("hub")
        func read(_ recorded: Attributes) async -> Attributes? {
            await handler.read(
                [ReadRequest(address: fake.address, recorded: recorded, ancestors: [])], of: fake.cluster)[0].attributes
        }
        var request = try fake.request("hub")
        request.planned = try local.expand(fake.cluster.targets[0], of: fake.cluster).resources[0].attributes
        let created = try await handler.create(request)
        request.prior = created
        let name = try #require(try await containers(fake).first)
        _ = try await Command.run("podman", ["kill", name])
        #expect(await read(created)?["status"] == "stopped")
        #expect(try await handler.update(request) == created)
        #expect(try await containers(fake) == [name])

        _ = try await Command.run("podman", ["kill", name])
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: fake.data + "/catalog.db"))
        unlink(fake.data + "/catalog.db-wal")
        let error = await providerError { _ = try await handler.update(request) }
        #expect(error?.message.contains("file is not a database") == true, "\(error?.message ?? "")")
        #expect(await read(created)?["status"] == "stopped")
        try await handler.delete(request)
        #expect(try await containers(fake) == [] && !FileManager.default.fileExists(atPath: fake.data))
        try await remove(fake)
    }
}
