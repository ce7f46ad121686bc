import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import ProviderHub

/// A stand-in hub that runs, and functions to deploy to it.
struct HubFixture: Sendable {
    var hub: FakeHub
    let attributes: Attributes
    let provider = HubProvider(http: testHTTP)

    init(smoke: FunctionSpec.Smoke? = nil, names: [String] = ["hello"]) async throws {
        var hub = try FakeHub()
        try hub.folder.write("def handle(event): return {}\n", to: "manifest/functions/hello/hello.py")
        try hub.folder.write(program: "#!/bin/sh\n", to: "manifest/functions/hello/tool.sh")
        let source = hub.cluster.folder + "/functions/hello"
        hub.cluster.functions = try names.map { try function($0, source: source, smoke: smoke) }
        self.hub = hub
        attributes = try await hub.handler.create(try hub.request("t"))
    }

    var handler: any ResourceHandler { provider.handler("function") }

    /// The hub as a discovery of the local provider answers it.
    var found: DiscoveredResource { DiscoveredResource(address: hub.address, attributes: attributes, place: hub.data) }

    func address(_ name: String) -> ResourceAddress {
        ResourceAddress(target: "here", type: "function", name: "here.demo.\(name)")
    }

    func request(_ name: String = "hello", token: String, prior: Attributes = [:]) -> OperationRequest {
        let spec = hub.cluster.functions.first { $0.name == name }
        return OperationRequest(
            cluster: hub.cluster, address: address(name), planned: spec.map(FunctionResource.arguments) ?? [:],
            prior: prior, ancestors: [attributes], token: token)
    }

    func read(_ names: [String] = ["hello"], recorded: Attributes = [:]) async -> [ReadResult] {
        await handler.read(
            names.map { ReadRequest(address: address($0), recorded: recorded, ancestors: [attributes]) },
            of: hub.cluster)
    }

    func end() { hub.end() }
}
