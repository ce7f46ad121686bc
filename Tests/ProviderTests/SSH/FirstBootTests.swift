import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderSSH

/// What a machine does at its first start, run by this machine's shell with stand-ins for the engine and for systemd.
@Suite struct FirstBootTests {
    private let provider = SSHProvider(hubVersion: "1.0.0", sessions: SSHSessions(), http: testHTTP)
    private static let reference = "registry.example/hub@sha256:" + String(repeating: "a", count: 64)

    private func machine(_ image: String? = Self.reference, in folder: String = "/") throws -> OperationRequest {
        let cloud = target("rack", "cloud")
        return OperationRequest(
            cluster: cluster(in: folder, targets: [cloud], image: image),
            address: try #require(ResourceAddress("rack/instance.n01")), planned: [:], prior: [:], ancestors: [],
            token: "o")
    }

    @Test func itBringsEngineImageAndHub() async throws {
        let host = try FakeHost()
        let script = try provider.firstBoot.script(for: machine())
        let end = try await host.boot(script)
        let said = ["engine", "image", "hub"].map { "osiris: first boot: \($0)\n" }.joined()
        #expect(end == .init(status: 0, output: said, errors: ""))
        #expect(host.isRunning && host.text("first-boot") == "engine\nimage\nhub\n")
        #expect(host.calls.contains("podman pull --quiet \(Self.reference)"))
        let key = try #require(HubCertificate.read(Array(host.text("data/tls.pem").utf8)), "key and certificate")
        #expect(key.certificate.isFor("127.0.0.1"), "the hub's own check asks there")
        for type in ["engine", "image", "hub"] {
            let marker = try #require(HostMarker(Array(host.text("\(type).json").utf8)))
            #expect(marker.address.text == "rack/\(type).n01" && marker.cluster == "edge")
        }
        // Whoever logs in marks the host; and nothing is left of the work.
        let left = Set(try FileManager.default.contentsOfDirectory(atPath: host.folder))
        #expect(left.isDisjoint(with: ["host.json", "boot", "new"]), "\(left)")
    }

    @Test func whoeverLogsInTakesOver() async throws {
        let host = try FakeHost()
        #expect(try await host.adopt().status == 0)
        #expect(try await host.hub("mine").status == 0)
        let end = try await host.boot(provider.firstBoot.script(for: machine()))
        #expect(end.status == 1 && end.output.contains("engine failed with 65"), "\(end)")
        #expect(end.output.contains("somebody has logged in"))
        #expect(host.text("data/hub.json") == "mine" && host.text("first-boot") == "")
    }

    @Test func aFailureIsSaidAndTheRestLeft() async throws {
        let host = try FakeHost()
        let end = try await host.boot(provider.firstBoot.script(for: machine("gone")))
        #expect(end.status == 1 && end.output.contains("image failed with 70: "), "\(end)")
        #expect(end.output.contains("there is no image gone: manifest unknown"))
        #expect(host.text("first-boot") == "engine\n" && !host.isRunning)
    }

    /// The hub's operation takes the token over, and so the hub goes on as it was started.
    @Test func itHoldsNoTokenAndTheHubKeepsIt() throws {
        let issued = IssuedTokens()
        let boot = HostFirstBoot(hubVersion: "1.0.0", issued: issued)
        let script = try boot.script(for: machine())
        #expect(try boot.script(for: machine()) == script, "every try is the same")
        var create = try machine()
        create.address = try #require(ResourceAddress("rack/hub.n01"))
        create.token = "another operation"
        let token = try #require(issued.token(of: create).plaintext)
        let clear =
            script.split(separator: "\n").compactMap { line in
                line.split(separator: " ").last.flatMap { Data(base64Encoded: String($0)) }
            }
            .map { String(decoding: $0, as: UTF8.self) }.joined() + script
        #expect(!clear.contains(token) && !clear.contains("PRIVATE KEY") && clear.contains(Digest.sha256(token.utf8)))
        #expect(issued.token(of: create).plaintext == token)
        #expect(try boot.script(for: machine()) != script, "the next hub has another token")
    }
}
