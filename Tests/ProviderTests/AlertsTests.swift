import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

/// The hub's alerts: in the clear in `hub.json`, by digest everywhere else.
@Suite struct AlertsTests {
    static func alerts(_ secret: Secret, window: Int = 300_000) -> Attributes {
        let alert: [String: Value] = [
            "url": "http://127.0.0.1:9/", "secret": .secret(secret), "on": ["error-rate"],
            "errorRate": ["percent": 5, "windowMs": .int(window), "least": 20],
        ]
        return ["alerts": [.map(alert)]]
    }

    @Test func aHubIsToldItsAlertsAndReadsTheSame() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let secret = Secret(digest: "hmac-sha256:01", plaintext: "hunter2")
        let created = try await hub.handler.create(try hub.request("t", changes: Self.alerts(secret)))
        func told() throws -> [String: Value] {
            let bytes = try #require(FileManager.default.contents(atPath: hub.data + "/hub.json"))
            return try #require(try Value(plainJSON: bytes).mapValue?["alerts"]?.listValue?.first?.mapValue)
        }
        #expect(try told()["secret"] == "hunter2")
        #expect(try told()["errorRate"] == ["percent": 5, "windowMs": 300_000, "least": 20])
        // The state has the digest only.
        let recorded = created.merging(Self.alerts(Secret(digest: secret.digest, plaintext: nil))) { $1 }
        #expect(await hub.read(recorded).attributes == recorded)
        let processes = hub.processes
        let changed = Self.alerts(secret, window: 60_000)
        let updated = try await hub.handler.update(try hub.request("u", prior: created, changes: changed))
        #expect(try told()["errorRate"] == ["percent": 5, "windowMs": 60_000, "least": 20])
        #expect(hub.processes.count == 1 && hub.processes != processes)
        // What somebody wrote into the file is seen, without its secret.
        let drifted = try #require(await hub.read(recorded).attributes)
        #expect(drifted["alerts"] != recorded["alerts"])
        #expect(!"\(drifted)".contains("hunter2"))
        let without = try await hub.handler.update(try hub.request("v", prior: updated))
        #expect(await hub.read(without).attributes?["alerts"] == nil)
        try await hub.handler.delete(try hub.request("d", prior: without))
    }

    @Test func aHubIsToldItsSettingsAndReadsTheSame() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let settings: Attributes = ["settings": ["rates": ["failures": ["perSecond": .double(0.5), "burst": 1]]]]
        let created = try await hub.handler.create(try hub.request("t", changes: settings))
        let bytes = try #require(FileManager.default.contents(atPath: hub.data + "/hub.json"))
        #expect(
            try Value(plainJSON: bytes).mapValue?["rates"] == ["failures": ["perSecond": .double(0.5), "burst": 1]])
        #expect(await hub.read(created).attributes == created)
        let without = try await hub.handler.update(try hub.request("u", prior: created))
        #expect(await hub.read(without).attributes?["settings"] == nil)
        try await hub.handler.delete(try hub.request("d", prior: without))
    }
}
