import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSimulated

@Suite struct SimulatedFenceTests {
    @Test func linesNameTheRunAndOldOnesDoNot() async throws {
        let fleet = try SimulatedFleet(count: 2)
        let machines = try fleet.declarations().filter { $0.address.type == "machine" }
        let handler = fleet.provider.handler("machine")
        _ = try await handler.create(fleet.request(machines[0], [:]))
        #expect(!fleet.lines[0].contains("fence") && !fleet.lines[0].contains("lineage"))
        var request = fleet.request(machines[1], [:])
        request.owner = Ownership(lineage: "l", fencing: 7)
        let made = try await handler.create(request)
        #expect(fleet.lines[1].contains(#""lineage":"l","fence":7"#))
        #expect(StoreLine(decoding: Array(fleet.lines[1].utf8)[...])?.fence == StoreFence(lineage: "l", number: 7))
        // The same run again, and nothing to do: no line.
        #expect(try await handler.create(request) == made)
        #expect(fleet.lines.count == 2)
    }

    /// A run that changes nothing leaves a line, so that those before it stay out; also where there was no store.
    @Test func aRunWithoutChangesIsKnownToo() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let handler = fleet.provider.handler("machine")
        var request = fleet.request(try fleet.declarations()[0], [:])
        request.owner = Ownership(lineage: "l", fencing: 8)
        try await handler.delete(request)
        #expect(fleet.lines == [#"{"op":"fence","token":"t-fleet/machine.m0001","lineage":"l","fence":8}"#])
        request.owner.fencing = 7
        // Another process, which has read nothing yet.
        let other = SimulatedProvider(hubVersion: "1.0.0").handler("machine")
        let late = await providerError { _ = try await other.create(request) }
        #expect(late?.kind == .fenced && late?.message.contains("(lock 8, this run has 7)") == true)
        #expect(fleet.lines.count == 1)
    }
}
