import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderSSH

/// From a target to resources, and what is sent and kept: the parts that need no host.
@Suite struct SSHProviderTests {
    private let provider = SSHProvider(hubVersion: "1.0.0", sessions: SSHSessions(), http: testHTTP)
    private let image = "registry.example/hub@sha256:" + String(repeating: "a", count: 64)

    @Test func everyHostGetsTheSameChain() throws {
        let rack = target(
            "rack", "ssh",
            [
                "hosts": ["n[01:02].dc1", ["host": "10.0.0.7", "name": "spare", "domain": "row-9"]],
                "engine": ["name": "docker", "install": false], "hubPort": 9000, "folder": "/srv/osiris",
            ])
        let found = try provider.expand(rack, of: cluster(in: "/", targets: [rack], image: image))
        #expect(
            found.resources.map(\.address.text)
                == ["n01", "n02", "spare"].flatMap { name in
                    ["host", "engine", "image", "hub"].map { "rack/\($0).\(name)" }
                })
        #expect(
            found.resources.suffix(4).map(\.parent?.text)
                == [nil, "rack/host.spare", "rack/engine.spare", "rack/image.spare"])
        let host = found.resources[8].attributes
        #expect(host["domain"] == "row-9" && host["folder"] == "/srv/osiris")
        #expect(host["login"].flatMap(HostLogin.init)?.address == "10.0.0.7")
        #expect(found.resources[9].attributes == ["name": "docker", "install": false])
        #expect(found.resources[10].attributes == ["image": .string(image)])
        #expect(found.resources[11].attributes["port"] == 9000)
        #expect(found.resources[11].attributes["authority"] != nil, "hubs that others reach speak TLS")
        #expect(found.machines.map(\.domain) == ["rack", "rack", "row-9"])
        #expect(found.machines.map(\.hub.text) == ["rack/hub.n01", "rack/hub.n02", "rack/hub.spare"])
        #expect(found.shared.map(\.address.text) == ["cluster/authority.edge"])
    }

    @Test func anImageIsNeeded() throws {
        let rack = target("rack", "ssh", ["hosts": ["n1"]])
        let error = #expect(throws: DiagnosticsError.self) {
            try provider.expand(rack, of: cluster(in: "/", targets: [rack]))
        }
        #expect(error?.diagnostics.map(\.code) == [.missingKey])
    }

    @Test func theUnitRunsTheHubWithoutRights() throws {
        var unit = HubUnit(
            engine: "podman", image: "sha256:ab", folder: "/var/lib/osiris",
            address: try #require(ResourceAddress("rack/hub.n01")), cluster: "edge", port: 8080)
        #expect(
            unit.text.contains(
                "\nExecStart=podman --events-backend=none run --name osiris-hub --rm --log-driver=none --label osiris.cluster=edge --label "
                    + "osiris.address=rack/hub.n01 --user=65532:65532 --stop-timeout=12 --network=host --cap-drop=all "
                    + "--security-opt=no-new-privileges --volume /var/lib/osiris/data:/data:Z sha256:ab serve --data /data\n"
            ))
        #expect(!unit.text.contains("docker.service"))
        unit.engine = "docker"
        unit.folder = "/srv/100% osiris"
        unit.port = 443
        #expect(unit.text.contains("After=network-online.target docker.service\n"))
        #expect(unit.text.contains(" --user=0:0 ") && unit.text.contains(" --cap-add=net_bind_service "))
        #expect(unit.text.contains(#""/srv/100%% osiris/data:/data:Z""#))
        #expect(unit.run(isDetached: true).contains("--restart=always") && !unit.run(isDetached: true).contains("--rm"))
    }

    @Test func aMarkerIsReadAsItWasWritten() throws {
        let request = OperationRequest(
            cluster: cluster(in: "/"), address: try #require(ResourceAddress("rack/host.n01")), planned: [:],
            prior: [:],
            ancestors: [], token: "t", owner: Ownership(lineage: "l", fencing: 3))
        let marker = HostMarker(request, ["domain": "row \"9\""], more: ["a": [1, true]])
        #expect(HostMarker(marker.bytes) == marker)
        // The scripts look for these words.
        let text = String(decoding: marker.bytes, as: UTF8.self)
        #expect(text.contains(#""cluster":"edge""#) && text.contains(#""address":"rack/host.n01""#))
        #expect(!text.contains("\n"))
        #expect(HostMarker(Array("{}".utf8)) == nil && HostMarker([]) == nil)
    }

    @Test func theMarkerOfAHubHasNoSecrets() throws {
        let token = Secret(hubToken: "clear token")
        let alert: Value = [
            "url": "https://hooks.example", "secret": .secret(Secret(digest: "hmac-sha256:01", plaintext: "clear key")),
        ]
        var request = OperationRequest(
            cluster: cluster(in: "/"), address: try #require(ResourceAddress("rack/hub.n01")),
            planned: ["port": 8080, "version": "1", "alerts": [alert]], prior: [:], ancestors: [], token: "t")
        request.planned["authorityKey"] = .secret(Secret(digest: "d", plaintext: "clear authority"))
        let config = HubConfiguration(
            address: "rack/hub.n01", cluster: "edge", host: "0.0.0.0", port: 8080, generation: "g",
            tokens: HubRole.configuration(admin: "clear token"), alerts: HubAlerts.told([alert]))
        let marker = HubNote(config: config, certificate: nil, attributes: request.planned).marker(request)
        #expect(!String(decoding: marker.bytes, as: UTF8.self).contains("clear"))
        let note = try #require(HostMarker(marker.bytes).flatMap(HubNote.init))
        // What was recorded is what a read answers, as long as the host has the same.
        #expect(HubAlerts.found(note.config.alerts, recorded: [alert]) == [alert])
        #expect(note.attributes == ["port": 8080, "version": "1"] && note.config.host == "0.0.0.0")
        #expect(token.plaintext == "clear token")
    }

    @Test(arguments: [
        (75, "osiris: it was changed by a later run", ProviderError.Kind.fenced, "it was changed by a later run"),
        (70, "osiris: podman could not be installed: no network", .transient, "podman could not be installed"),
        (65, "warning\nosiris: it belongs to another: {}\n", .rejected, "it belongs to another: {}"),
        (127, "sh: 1: flock: not found", .rejected, "its script on n01 ended with 127: sh: 1: flock: not found"),
    ])
    func aScriptsEndIsSaid(_ status: Int, _ errors: String, _ kind: ProviderError.Kind, _ words: String) throws {
        let address = try #require(ResourceAddress("rack/hub.n01"))
        let place = try HostPlace(
            address, recorded: [["login": HostLogin(address: "n01.example").value]], of: nil, home: "/")
        let error = HostRun.failure(SSHResult(status: status, errors: Array(errors.utf8)), address, place)
        #expect(error.kind == kind && error.message.hasPrefix("rack/hub.n01: \(words)"))
    }

    @Test func noMoreUploadsThanAllowedGoAtOnce() async throws {
        let (slots, count) = (UploadSlots(), Count())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    await slots.with("rack", most: 3) {
                        await count.enter()
                        for _ in 0..<20 { await Task.yield() }
                        await count.leave()
                    }
                }
            }
        }
        #expect(await count.most <= 3)
        #expect(await count.all == 50)
    }

    private actor Count {
        private var present = 0
        private(set) var most = 0
        private(set) var all = 0

        func enter() {
            present += 1
            all += 1
            most = max(most, present)
        }

        func leave() { present -= 1 }
    }
}
