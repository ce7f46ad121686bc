import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSimulated

@Suite struct SimulatedFaultTests {
    private func creates(_ fleet: SimulatedFleet) -> Int {
        fleet.lines.filter { $0.hasPrefix("{\"op\":\"create\"") }.count
    }

    @Test(arguments: [1, 7, 20_260])
    func faultsNeverDoubleAnObject(seed: Int) async throws {
        let faults: [String: Value] = [
            "throttle": .double(0.3), "transient": .double(0.2), "lostAnswer": .double(0.5),
        ]
        let fleet = try SimulatedFleet(count: 50, faults: faults, functions: [try function("hello")], seed: seed)
        let present = try await fleet.create()
        #expect(present.count == 250 && creates(fleet) == 250)
        let again = try SimulatedFleet(count: 50, faults: faults, functions: [try function("hello")], seed: seed)
        #expect(try await again.create() == present)
        #expect(again.lines == fleet.lines)
    }

    @Test func everyFaultHasItsKindAndItsEffect() async throws {
        func fail(_ fault: String) async throws -> (ProviderError?, lines: Int) {
            let fleet = try SimulatedFleet(count: 1, faults: [fault: 1])
            let request = fleet.request(try fleet.declarations()[0], [:])
            let error = await providerError { _ = try await fleet.provider.handler("machine").create(request) }
            return (error, fleet.lines.count)
        }
        let throttle = try await fail("throttle")
        #expect(throttle.0?.kind == .throttled(retryAfter: .milliseconds(10)) && throttle.lines == 0)
        let transient = try await fail("transient")
        #expect(transient.0?.kind == .transient && transient.lines == 0)
        let lost = try await fail("lostAnswer")
        #expect(lost.0?.kind == .answerLost && lost.lines == 1)
    }

    @Test func objectsChangeAndVanishByThemselvesOnceEach() async throws {
        let fleet = try SimulatedFleet(count: 40, faults: ["change": .double(0.5), "vanish": .double(0.2)])
        let present = try await fleet.create()
        func refresh() async -> [ResourceAddress: ReadResult] {
            var all: [ResourceAddress: ReadResult] = [:]
            for type in ["machine", "engine", "image", "hub"] {
                all.merge(await fleet.read(present, type: type)) { $1 }
            }
            return all
        }
        let first = await refresh()
        let vanished = first.values.filter(\.isAbsent).count
        let changed = first.filter { $0.value.attributes != nil && $0.value.attributes != present[$0.key] }.count
        print("\(vanished) vanished, \(changed) changed")
        #expect(vanished > 0 && changed > 0 && vanished + changed < first.count)
        let lines = fleet.lines.count
        #expect(fleet.lines.filter { $0.contains("\"token\":\"outside\"") }.count == lines - 160)
        // Put right, everything stays right.
        var repaired: [ResourceAddress: Attributes] = [:]
        for declaration in try fleet.declarations() {
            let handler = fleet.provider.handler(String(declaration.address.type))
            var request = fleet.request(declaration, repaired, token: "repair \(declaration.address)")
            if let prior = first[declaration.address]?.attributes {
                request.prior = prior
                repaired[declaration.address] = try await handler.update(request)
            } else {
                repaired[declaration.address] = try await handler.create(request)
            }
        }
        for type in ["machine", "engine", "image", "hub"] {
            let read = await fleet.read(repaired, type: type)
            #expect(read.allSatisfy { $0.value.attributes == repaired[$0.key] })
        }
    }

    @Test func latencyIsWaitedForAndCancellationComesBeforeTheEffect() async throws {
        var fleet = try SimulatedFleet(count: 1)
        fleet.cluster.targets[0].settings["simulate"] = [
            "latency": 60_000, "jitter": 10, "store": .string(SimulatedFleet.store),
        ]
        let request = fleet.request(try fleet.declarations()[0], [:])
        let handler = fleet.provider.handler("machine")
        let task = Task { try await handler.create(request) }
        task.cancel()
        let error = await providerError { _ = try await task.value }
        #expect(error?.kind == .transient && fleet.lines.isEmpty)
    }
}
