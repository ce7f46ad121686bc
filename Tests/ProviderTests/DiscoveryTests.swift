import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderHub
@testable import ProviderLocal
@testable import ProviderSimulated

/// What exists is found by its marks, and nothing that is somebody else's. `Conformance` has the common promises.
@Suite struct DiscoveryTests {
    private static let owner = Ownership(lineage: "line-1", fencing: 1)

    // MARK: Simulated

    private func search(_ fleet: SimulatedFleet, _ type: String) async -> Discovery {
        await fleet.provider.handler(type).discover(DiscoveryRequest(cluster: fleet.cluster))
    }

    @Test func aStoreOfAnOlderOsirisIsOursAndOneOfAnotherClusterIsNot() async throws {
        let fleet = try SimulatedFleet(count: 3, functions: [try function("hello")])
        let present = try await fleet.create()
        #expect(!fleet.folder.text(SimulatedFleet.store).contains("lineage"))
        for type in SimulatedChain.types {
            let found = await search(fleet, type)
            #expect(found.resources.count == 3 && found.unreadable.isEmpty, "\(type)")
            for resource in found.resources {
                #expect(resource.attributes == present[resource.address] && resource.lineage == nil)
                #expect(resource.parent == SimulatedChain.parent(of: resource.address))
            }
        }
        let before = fleet.folder.text(SimulatedFleet.store)
        let theirs = before.replacingOccurrences(of: "}\n", with: ",\"cluster\":\"other\",\"lineage\":\"x\"}\n")
        try fleet.folder.write(theirs, to: SimulatedFleet.store)
        #expect(await search(fleet, "machine").resources.isEmpty)
    }

    @Test func twoObjectsOfOneAddressAreBothFoundAndNothingIsWritten() async throws {
        let fleet = try SimulatedFleet(count: 1)
        _ = try await fleet.create()
        let engine = try #require(fleet.lines.first { $0.contains("\"engine\"") })
        let twin = engine.replacingOccurrences(of: "\"id\":\"engine-", with: "\"id\":\"engine-twin-")
        try fleet.folder.write(fleet.folder.text(SimulatedFleet.store) + twin + "\n", to: SimulatedFleet.store)
        let text = fleet.folder.text(SimulatedFleet.store)
        let found = await search(fleet, "engine").resources
        #expect(Set(found.map(\.address)).count == 1 && Set(found.map(\.place)).count == 2)
        #expect(fleet.folder.text(SimulatedFleet.store) == text)
    }

    @Test func twoTargetsOfOneStoreAreSearchedOnceAndABrokenStoreIsNamed() async throws {
        var fleet = try SimulatedFleet(count: 2)
        _ = try await fleet.create()
        var other = fleet.cluster.targets[0]
        other.name = "second"
        fleet.cluster.targets.append(other)
        #expect(await search(fleet, "machine").resources.count == 2)
        try fleet.folder.write("no line\n", to: SimulatedFleet.store)
        let found = await search(fleet, "machine")
        #expect(found.resources.isEmpty && found.unreadable.first?.reason.contains("line 1") == true)
    }

    @Test func anUpdateUnderAnotherStateMarksTheObjectAnew() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let address = ResourceAddress(target: "fleet", type: "engine", name: "m0001")
        let engine = try #require(present[address])
        _ = try await fleet.provider.handler("engine").update(
            OperationRequest(
                cluster: fleet.cluster, address: address, planned: engine.merging(["version": "5"]) { $1 },
                prior: engine, ancestors: [present[ResourceAddress("fleet/machine.m0001")!]!], token: "u",
                owner: Self.owner))
        #expect(await search(fleet, "engine").resources.map(\.lineage) == ["line-1"])
        #expect(await search(fleet, "image").resources.map(\.lineage) == [nil])
    }

    // MARK: Local

    private func create(_ hub: FakeHub, key: Sealer?) async throws -> Attributes {
        var request = try hub.request("t")
        request.owner = Ownership(lineage: "line-1", fencing: 1, key: { key })
        return try await hub.handler.create(request)
    }

    private func search(_ hub: FakeHub, key: Sealer?) async -> Discovery {
        // Another process: nothing of the create is remembered.
        let provider = LocalProvider(
            hubVersion: "1.0.0", program: hub.folder.path + "/program/osiris-hub", http: testHTTP)
        return await provider.handler("hub").discover(DiscoveryRequest(cluster: hub.cluster, key: key))
    }

    @Test func aHubIsFoundWithItsTokenUnderTheKeyAndWithoutItUnderAnother() async throws {
        var hub = try FakeHub()
        defer { hub.end() }
        let key = try Sealer(key: Sealer.makeKey())
        let created = try await create(hub, key: key)
        let token = try #require(created["token"]?.stringValue)
        let file = String(
            decoding: FileManager.default.contents(atPath: hub.data + "/hub.json") ?? Data(), as: UTF8.self)
        #expect(file.contains("sealedToken") && !file.contains(token))
        let processes = hub.processes

        // The target may have left the manifest.
        hub.cluster.targets = []
        let found = try #require(await search(hub, key: key).resources.first)
        #expect(found.attributes == created && found.attributes["token"]?.stringValue == token)
        #expect(found.lineage == "line-1" && found.operation == "t" && found.place == hub.data)
        #expect(found.incomplete == nil && found.address == hub.address)

        for other in [nil, try Sealer(key: Sealer.makeKey())] {
            let lost = try #require(await search(hub, key: other).resources.first)
            #expect(
                lost.attributes["token"] == nil
                    && lost.incomplete?.contains(other == nil ? "key is lost" : "does not open") == true)
            #expect(lost.attributes["status"] == "running")
        }
        #expect(hub.processes == processes, "a discovery restarted the hub")
        hub.cluster.name = "other"
        #expect(await search(hub, key: key).resources.isEmpty)
    }

    @Test func aHubWhoseTokenIsLostGetsANewOneAndKeepsItsFunctions() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        _ = try await fixture.handler.create(fixture.request(token: "f"))
        let lost = try #require(await search(fixture.hub, key: nil).resources.first)
        #expect(lost.incomplete?.contains("left nowhere") == true)
        let key = try Sealer(key: Sealer.makeKey())
        var update = try fixture.hub.request("u", prior: lost.attributes)
        update.owner = Ownership(lineage: "line-2", fencing: 2, key: { key })
        let healed = try await fixture.hub.handler.update(update)
        #expect(healed["token"] != fixture.attributes["token"] && healed["token"]?.stringValue?.isEmpty == false)
        #expect(try await fixture.hub.handler.update(update) == healed)
        let found = try #require(await search(fixture.hub, key: key).resources.first)
        #expect(found.attributes == healed && found.lineage == "line-2" && found.incomplete == nil)
        let functions = await fixture.handler.discover(DiscoveryRequest(cluster: fixture.hub.cluster, below: [found]))
        #expect(functions.resources.map(\.address) == [fixture.address("hello")])
    }

    @Test func aStoppedHubACopiedFolderAndABrokenOneAreTold() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let key = try Sealer(key: Sealer.makeKey())
        _ = try await create(hub, key: key)
        for process in hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { await search(hub, key: key).resources.first?.attributes["status"] == "stopped" })
        try FileManager.default.copyItem(atPath: hub.data, toPath: hub.data + "-copy")
        let found = await search(hub, key: key).resources
        #expect(found.map(\.address) == [hub.address, hub.address])
        #expect(found.map(\.place) == [hub.data, hub.data + "-copy"])
        try Data("no JSON".utf8).write(to: URL(fileURLWithPath: hub.data + "-copy/hub.json"))
        let broken = await search(hub, key: key)
        #expect(broken.resources.count == 1 && broken.unreadable.first?.place.contains("here-copy") == true)
        // A folder that a killed create made, and nothing yet in it.
        try FileManager.default.removeItem(atPath: hub.data + "-copy/hub.json")
        #expect(await search(hub, key: key).unreadable.isEmpty)
    }

    @Test func aHubInAContainerIsFound() async throws {
        let podman = try await FakePodman()
        defer { podman.hub.end() }
        let key = try Sealer(key: Sealer.makeKey())
        var request = try podman.request("t")
        request.owner = Ownership(lineage: "line-1", fencing: 1, key: { key })
        let created = try await podman.handler.create(request)
        let before = podman.changes
        let found = await podman.handler.discover(DiscoveryRequest(cluster: podman.hub.cluster, key: key))
        #expect(found.resources.map(\.attributes) == [created] && found.resources.first?.lineage == "line-1")
        #expect(podman.changes == before)
        try podman.hub.folder.write("", to: "program/broken")
        let broken = await podman.handler.discover(DiscoveryRequest(cluster: podman.hub.cluster, key: key))
        #expect(broken.resources.isEmpty && broken.unreadable.first?.reason.contains("storage is broken") == true)
    }

    // MARK: Functions

    @Test func functionsOfOthersAreLeftAloneAndADeadHubIsNamed() async throws {
        let fixture = try await HubFixture(names: ["mine", "theirs"])
        defer { fixture.end() }
        var mine = fixture.request("mine", token: "m")
        mine.owner = Self.owner
        let made = try await fixture.handler.create(mine)
        var theirs = fixture.request("theirs", token: "t")
        theirs.cluster.name = "other"
        _ = try await fixture.handler.create(theirs)
        let request = DiscoveryRequest(cluster: fixture.hub.cluster, below: [fixture.found])
        let before = fixture.hub.requests.count
        let found = await fixture.handler.discover(request)
        #expect(fixture.hub.requests.dropFirst(before) == ["GET /system/functions"])
        #expect(found.unreadable.isEmpty && found.resources.map(\.address) == [fixture.address("mine")])
        let function = try #require(found.resources.first)
        #expect(function.attributes == made && function.parent == fixture.hub.address)
        #expect(function.lineage == "line-1" && function.operation == "m")

        for process in fixture.hub.processes { kill(process, SIGKILL) }
        #expect(await eventually { fixture.hub.processes.isEmpty })
        let dead = await fixture.handler.discover(request)
        #expect(dead.resources.isEmpty && dead.unreadable.first?.place == "here/hub.here")
    }
}
