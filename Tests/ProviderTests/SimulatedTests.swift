import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderSimulated

@Suite struct SimulatedTests {
    @Test func everyTypeConforms() async throws {
        let fleet = try SimulatedFleet(count: 2, functions: [try function("hello")])
        var present: [ResourceAddress: Attributes] = [:]
        let changes: [String: Attributes] = [
            "engine": ["version": "5.0.0"], "image": ["reference": "other:2"], "hub": ["port": 9000],
            "function": ["env": ["GREETING": "hello"]],
        ]
        for declaration in try fleet.declarations() where declaration.address.name.hasPrefix("m0001") {
            let type = String(declaration.address.type)
            let request = fleet.request(declaration, present)
            let changed = changes[type].map { request.planned.merging($0) { $1 } }
            let run = Conformance(
                fleet.provider.handler(type), cluster: fleet.cluster, address: declaration.address,
                planned: request.planned, changed: changed, ancestors: request.ancestors)
            #expect(try await run.violations() == [], "\(type)")
            present[declaration.address] = try await fleet.provider.handler(type).create(request)
        }
        #expect(present.count == 5)
    }

    @Test func expansionChainsMachinesAndLeavesUnknowns() throws {
        let fleet = try SimulatedFleet(count: 12_345)
        let expansion = try fleet.provider.expand(fleet.cluster.targets[0], of: fleet.cluster)
        #expect(expansion.resources.count == 4 * 12_345)
        #expect(expansion.machines.first?.name == "m0001")
        #expect(expansion.machines.last?.name == "m12345")
        #expect(expansion.resources[1].attributes["host"]?.containsUnknown == true)
        #expect(expansion.resources[3].attributes["image"]?.containsUnknown == true)
        #expect(expansion.resources[3].parent?.text == "fleet/image.m0001")
        #expect(SimulatedMachine.networkAddress("m12345") == "10.0.48.57")
    }

    @Test func aHubKeepsItsTokenAndTheStoreNeverShowsASecret() async throws {
        let fleet = try SimulatedFleet(count: 1, functions: [try function("hello")])
        let present = try await fleet.create()
        let hub = ResourceAddress(target: "fleet", type: "hub", name: "m0001")
        let token = try #require(present[hub]?["token"]?.stringValue)
        let again = await fleet.read(present, type: "hub")[hub]?.attributes
        #expect(again?["token"]?.stringValue == token)
        #expect(again?["url"] == "http://10.0.0.1:8080")
        let text = fleet.folder.text(SimulatedFleet.store)
        #expect(!text.contains(token) && !text.contains("clear"))
        #expect(text.contains("hmac-sha256:00"))
    }

    @Test func oneTokenMakesOneObjectEvenFromTwoProvidersAtOnce() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let declaration = try fleet.declarations()[0]
        let request = fleet.request(declaration, [:])
        let answers = try await withThrowingTaskGroup(of: Attributes.self) { group in
            for _ in 0..<32 {
                let other = SimulatedProvider(hubVersion: "1.0.0")
                group.addTask { try await other.handler("machine").create(request) }
            }
            return try await group.reduce(into: Set<Attributes>()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
        #expect(fleet.lines.count == 1)

        let stranger = fleet.request(declaration, [:], token: "another")
        let error = await providerError { _ = try await fleet.provider.handler("machine").create(stranger) }
        #expect(error?.kind == .rejected)
        #expect(fleet.lines.count == 1)
    }

    @Test func anObjectNeedsWhatItStandsOn() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let declaration = try fleet.declarations()[1]
        let error = await providerError {
            _ = try await fleet.provider.handler("engine").create(fleet.request(declaration, [:]))
        }
        #expect(error?.kind == .rejected)
        #expect(error?.message.contains("fleet/machine.m0001") == true)
    }

    @Test func whatStoodOnAVanishedMachineIsGoneAndCanBeMadeAgain() async throws {
        let fleet = try SimulatedFleet(count: 1, functions: [try function("hello")])
        let present = try await fleet.create()
        let machine = try #require(present[ResourceAddress(target: "fleet", type: "machine", name: "m0001")])
        let id = try #require(machine["id"]?.stringValue)
        let text = fleet.folder.text(SimulatedFleet.store)
        try fleet.folder.write(text + "{\"op\":\"delete\",\"id\":\"\(id)\"}\n", to: SimulatedFleet.store)
        for type in SimulatedChain.types {
            #expect(await fleet.read(present, type: type).values.allSatisfy(\.isAbsent), "\(type)")
        }
        var second: [ResourceAddress: Attributes] = [:]
        for declaration in try fleet.declarations() {
            let handler = fleet.provider.handler(String(declaration.address.type))
            let token = "second \(declaration.address)"
            second[declaration.address] = try await handler.create(fleet.request(declaration, second, token: token))
        }
        for type in SimulatedChain.types {
            #expect(await fleet.read(second, type: type).values.allSatisfy { $0.attributes != nil }, "\(type)")
        }
    }

    @Test func deletionWorksAfterTheTargetLeftTheManifest() async throws {
        let fleet = try SimulatedFleet(count: 1)
        let present = try await fleet.create()
        var cluster = fleet.cluster
        cluster.targets = []
        for type in ["hub", "image", "engine", "machine"] {
            let address = ResourceAddress(target: "fleet", type: type, name: "m0001")
            let above = type == "machine" ? [] : fleet.ancestors(ResourceAddress("fleet/hub.m0001"), present)
            try await fleet.provider.handler(type).delete(
                OperationRequest(
                    cluster: cluster, address: address, planned: [:], prior: present[address] ?? [:],
                    ancestors: above, token: "gone"))
        }
        #expect(fleet.lines.filter { $0.contains("\"op\":\"delete\"") }.count == 4)
    }
}
