import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderLocal

/// A hub in a container with TLS: the stand-in for podman runs the program users run.
@Suite struct PodmanTLSTests {
    @Test func theCertificateComesWithTheFolderAndIsRenewedInPlace() async throws {
        var podman = try await FakePodman()
        defer { podman.hub.end() }
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = (tests as NSString).deletingLastPathComponent + "/osiris-hub"
        try podman.hub.folder.write(
            "import os, sys\nos.execv('\(program)', ['\(program)'] + sys.argv[1:])\n", to: "program/osiris-hub")
        podman.hub.cluster.hub.tls = true
        let (folder, cluster) = (podman.hub.folder.path, podman.hub.cluster)
        func handler(daysAgo: Double = 0) -> any ResourceHandler {
            LocalProvider(
                hubVersion: OsirisVersion.current, podman: folder + "/program/podman", http: HTTPClient(),
                now: { Date() - daysAgo * 86400 }
            ).handler("hub")
        }
        let authority = try await TLSHub.makeAuthority(cluster)
        func request(_ token: String, prior: Attributes = [:]) throws -> OperationRequest {
            var request = try podman.request(token, prior: prior)
            request.planned = request.planned.mapValues {
                $0.resolvingReferences { authority[$0.attribute] ?? .unknown }
            }
            request.planned["version"] = .string(OsirisVersion.current)
            return request
        }
        let created = try await handler(daysAgo: 70).create(try request("t"))
        #expect(created["url"] == .string("https://127.0.0.1:\(podman.hub.port)"))
        let updated = try await handler().update(try request("u", prior: created))
        #expect(updated["certificateExpires"] != created["certificateExpires"])
        // One container, run once.
        #expect(podman.changes.map { $0[0] } == ["load", "run"])
        let read = await handler().read(
            [ReadRequest(address: podman.hub.address, recorded: updated, ancestors: [])], of: cluster)
        #expect(read[0].attributes == updated)
        try await handler().delete(try request("d", prior: updated))
        #expect(podman.hub.processes.isEmpty && !FileManager.default.fileExists(atPath: podman.hub.data))
    }
}
