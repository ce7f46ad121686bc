import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import ProviderHub
import ProviderLocal
import Testing

/// The same promises with the program that users run, which is built beside this test.
struct RealHubTests {
    /// What the manifest says under `settings` is what the program understands and does.
    @Test func settingsAreInForce() async throws {
        let fake = try FakeHub()
        defer { fake.end() }
        let local = LocalProvider(hubVersion: OsirisVersion.current, http: testHTTP)
        var cluster = fake.cluster
        cluster.hub.settings.fields = [
            "rates": ["failures": ["perSecond": .double(0.001), "burst": 1], "token": ["perSecond": 5]],
            "calls": ["resultHours": .double(0.5), "recordHours": 2, "most": 10], "callbacks": ["allow": ["127.0.0.1"]],
            "dependencies": ["pipIndex": "http://127.0.0.1:9/"], "engine": ["socket": "/nowhere.sock"],
            "warm": ["each": 0, "most": 0, "bytes": 1024],
        ]
        #expect(Set(cluster.hub.settings.fields.keys) == Set(HubSpec.Settings.keys))
        var request = try fake.request("hub")
        request.planned = try local.expand(cluster.targets[0], of: cluster).resources[0].attributes
        let hub = try await local.handler("hub").create(request)
        let url = try #require(hub["url"]?.stringValue)
        let stranger = HubClient(url: url, token: "nobody", authority: nil, http: testHTTP)
        #expect(try await stranger.call("GET", "/system/functions").status == 401)
        #expect(try await stranger.call("GET", "/system/functions").status == 429)
        request.prior = hub
        try await local.handler("hub").delete(request)
    }

    @Test func hubAndFunctionConform() async throws {
        var fake = try FakeHub()
        defer { fake.end() }
        let local = LocalProvider(hubVersion: OsirisVersion.current, http: testHTTP)
        let planned = try local.expand(fake.cluster.targets[0], of: fake.cluster).resources[0].attributes
        let hubRun = Conformance(
            local.handler("hub"), cluster: fake.cluster, address: fake.address, planned: planned,
            changed: planned.merging(["port": .int(try freePort())]) { $1 })
        #expect(try await hubRun.violations() == [])
        #expect(fake.processes.isEmpty && !FileManager.default.fileExists(atPath: fake.data))

        try fake.folder.write(
            "def handle(event):\n    return {'greeting': 'hi ' + event['name']}\n",
            to: "manifest/functions/hello/hello.py")
        let smoke = FunctionSpec.Smoke(
            input: ["name": "Ada"], expect: ["greeting": "hi Ada"], withinMilliseconds: 5000)
        let spec = try function("hello", source: fake.cluster.folder + "/functions/hello", smoke: smoke)
        fake.cluster.functions = [spec]
        var request = try fake.request("hub")
        request.planned = planned
        let hub = try await local.handler("hub").create(request)
        let arguments = FunctionResource.arguments(spec)
        let functionRun = Conformance(
            HubProvider(http: testHTTP).handler("function"), cluster: fake.cluster,
            address: ResourceAddress(target: "here", type: "function", name: "here.demo.hello"), planned: arguments,
            changed: arguments.merging([
                "env": ["GREETING": "hello"], "scale": ["min": 2, "max": 8, "concurrency": 4, "idle": "1m30s"],
            ]) { $1 }, ancestors: [hub],
            below: [DiscoveredResource(address: fake.address, attributes: hub, place: fake.data)])
        #expect(try await functionRun.violations() == [])
        request.prior = hub
        try await local.handler("hub").delete(request)
        #expect(fake.processes.isEmpty && !FileManager.default.fileExists(atPath: fake.data))
    }
}
