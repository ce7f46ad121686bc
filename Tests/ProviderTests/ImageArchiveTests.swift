import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

/// What podman and docker write, told by the image in it.
@Suite struct ImageArchiveTests {
    private let id = FakePodman.firstImage
    private var hex: String { String(id.dropFirst(7)) }

    private func identity(_ files: KeyValuePairs<String, String>) throws -> String {
        try identity(of: tar(files))
    }

    private func identity(of bytes: [UInt8]) throws -> String {
        let folder = try TemporaryFolder()
        let file = folder.path + "/image.tar"
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return try ImageArchive(path: file).identity()
    }

    @Test func dockersForms() throws {
        #expect(try identity(["manifest.json": #"[{"Config": "\#(hex).json"}]"#]) == id)
        #expect(try identity(["./manifest.json": #"[{"Config": "blobs/sha256/\#(hex)"}]"#]) == id)
    }

    @Test func theOpenForm() throws {
        let manifest = FakePodman.secondImage
        let found = try identity([
            "blobs/sha256/\(manifest.dropFirst(7))": #"{"config": {"digest": "\#(id)"}}"#,
            "blobs/sha256/layer": String(repeating: "x", count: 5000),
            "index.json": #"{"manifests": [{"digest": "\#(manifest)"}]}"#,
        ])
        #expect(found == id)
    }

    @Test func whatIsNoImageIsSaidToBeNone() throws {
        let two = #"[{"Config": "\#(hex).json"}, {"Config": "\#(hex).json"}]"#
        let cases: [(String, [UInt8])] = [
            ("neither manifest.json nor index.json", tar(["readme": "hi"])),
            ("neither manifest.json nor index.json", []),
            ("a compressed one must be uncompressed", [0x1f, 0x8b] + [UInt8](repeating: 7, count: 600)),
            ("holds 2 images", tar(["manifest.json": two])),
            ("is damaged", tar(["manifest.json": "[{"])),
            ("does not name its image", tar(["manifest.json": #"[{"Config": "../x.json"}]"#])),
            ("does not name its image", tar(["index.json": #"{"manifests": [{"digest": "\#(id)"}]}"#])),
        ]
        for (reason, bytes) in cases {
            let error = #expect(throws: ImageArchiveError.self) { try identity(of: bytes) }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test func aManifestWithoutAnImageIsRefusedAtItsPlace() async throws {
        let podman = try await FakePodman()
        try podman.writeTar(["readme": "hi"], to: "manifest/hub.tar")
        let error = #expect(throws: DiagnosticsError.self) { try podman.request("t") }
        #expect(error?.diagnostics.first?.code == .fileUnreadable)
    }

    @Test func listsOfContainers() {
        #expect(Podman.Container.list("[]") == [])
        #expect(
            Podman.Container.list(#"[{"Id": "c1", "State": "running", "Ports": null, "Pid": 7}]"#)
                == [Podman.Container(id: "c1", state: "running")])
        for text in ["", "{}", "[{}]", "[1]", "Error"] { #expect(Podman.Container.list(text) == nil) }
    }
}
