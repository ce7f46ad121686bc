import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSimulated

@Suite struct SimulatedStoreTests {
    private static let hub = ResourceAddress(target: "fleet", type: "hub", name: "m0001")

    @Test func aTornLastLineIsIgnoredAndTerminated() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let whole = fleet.folder.text(SimulatedFleet.store)
        let machine = try fleet.declarations()[0]
        let line = Array(whole.split(separator: "\n")[0].utf8)
        for length in [1, 7, line.count / 2, line.count - 1] {
            let torn = String(decoding: line[..<length], as: UTF8.self)
            try fleet.folder.write(whole + torn, to: SimulatedFleet.store)
            #expect(await fleet.read(present, type: "hub")[Self.hub]?.attributes == present[Self.hub], "\(length)")
            var hub = fleet.request(try fleet.declarations()[3], present, token: "u\(length)")
            hub.prior = present[Self.hub] ?? [:]
            hub.planned["port"] = .int(9000 + length)
            let updated = try await fleet.provider.handler("hub").update(hub)
            #expect(updated["port"] == .int(9000 + length))
            let lines = fleet.lines
            #expect(lines[4] == torn[...] && lines.count == 6, "\(length)")
            // A reader that never saw the torn line as the last one comes to the same end.
            let other = SimulatedProvider(hubVersion: "1.0.0").handler("hub")
            let read = await other.read(
                [ReadRequest(address: Self.hub, recorded: [:], ancestors: [present[machine.address] ?? [:]])],
                of: fleet.cluster)
            #expect(read[0].attributes == updated)
        }
    }

    @Test func aLineThatIsNoneMakesTheStoreUnreadable() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let whole = fleet.folder.text(SimulatedFleet.store)
        try fleet.folder.write(whole + "port: 8080\n", to: SimulatedFleet.store)
        let reason = try #require(await fleet.read(present, type: "hub")[Self.hub]?.reason)
        #expect(reason.contains("line 5") && reason.contains("fleet.jsonl"))
        let error = await providerError {
            _ = try await fleet.provider.handler("hub").create(fleet.request(try fleet.declarations()[3], present))
        }
        #expect(error?.kind == .rejected)
        try fleet.folder.write(whole, to: SimulatedFleet.store)
        #expect(await fleet.read(present, type: "hub")[Self.hub]?.attributes == present[Self.hub])
    }

    @Test func editsByHandAreSeen() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let whole = fleet.folder.text(SimulatedFleet.store)
        func port() async -> Value? { await fleet.read(present, type: "hub")[Self.hub]?.attributes?["port"] }
        #expect(await port() == 8080)
        // Of the same length, so that only the time of the change tells.
        try fleet.folder.write(
            whole.replacingOccurrences(of: "\"port\":8080", with: "\"port\":8081"), to: SimulatedFleet.store)
        #expect(await port() == 8081)
        let id = try #require(whole.split(separator: "\n").last).split(separator: "\"")[7]
        try fleet.folder.write(
            whole + "{\"op\":\"update\",\"id\":\"\(id)\",\"attributes\":{\"port\":70}}\n", to: SimulatedFleet.store)
        #expect(await port() == 70)
        try fleet.folder.write(
            whole.split(separator: "\n").dropLast().joined(separator: "\n") + "\n", to: SimulatedFleet.store)
        #expect(await fleet.read(present, type: "hub")[Self.hub]?.isAbsent == true)
        try FileManager.default.removeItem(atPath: fleet.folder.path + "/" + SimulatedFleet.store)
        #expect(await fleet.read(present, type: "machine").values.allSatisfy(\.isAbsent))
    }

    @Test func editAndGrowthAtOnceAreBothSeen() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let whole = fleet.folder.text(SimulatedFleet.store)
        let edited = whole.replacingOccurrences(of: "\"port\":8080", with: "\"port\":8081")
        // In place: the same inode.
        let path = fleet.folder.path + "/" + SimulatedFleet.store
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data((edited + "\n\n").utf8))
        try handle.close()
        var engine = fleet.request(try fleet.declarations()[1], present, token: "update")
        engine.prior = present[engine.address] ?? [:]
        engine.planned["version"] = "5.0.0"
        _ = try await fleet.provider.handler("engine").update(engine)
        #expect(await fleet.read(present, type: "hub")[Self.hub]?.attributes?["port"] == 8081)
    }

    @Test func twoObjectsUnderOneAddressAreAmbiguous() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        let machine = try fleet.declarations()[0]
        let line = try #require(fleet.lines.first).replacingOccurrences(of: "\"id\":\"machine-", with: "\"id\":\"copy-")
        try fleet.folder.write(fleet.folder.text(SimulatedFleet.store) + line + "\n", to: SimulatedFleet.store)
        let resolution = try await fleet.provider.handler("machine").resolve(fleet.request(machine, present))
        guard case .ambiguous(let candidates) = resolution else {
            Issue.record("\(resolution)")
            return
        }
        #expect(candidates.count == 2)
    }

    @Test func thirteenThousandObjectsAreReadFromOneFile() async throws {
        let functions = try (1...9).map { try function("f\($0)") }
        let fleet = try SimulatedFleet(count: 1000, functions: functions)
        let present = try await fleet.create()
        #expect(present.count == 13_000)
        let reader = SimulatedProvider(hubVersion: "1.0.0")
        var fleetAgain = fleet
        fleetAgain.provider = reader
        let clock = ContinuousClock()
        var total = Duration.zero
        for type in SimulatedChain.types {
            var results: [ResourceAddress: ReadResult] = [:]
            let time = await clock.measure { results = await fleetAgain.read(present, type: type) }
            total += time
            print("read of \(results.count) \(type) objects took \(time)")
            #expect(results.allSatisfy { $0.value.attributes == present[$0.key] })
        }
        print("13000 objects took \(total), \(fleet.folder.text(SimulatedFleet.store).utf8.count) bytes")
    }
}
