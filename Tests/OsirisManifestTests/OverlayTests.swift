import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@Suite("Overlays")
struct OverlayTests {
    @Test("an overlay changes, removes and adds, and every value keeps its file and line")
    func applied() throws {
        let test = try Case("good-overlay")
        let cluster = try #require(test.load().cluster)
        #expect(cluster.name == "edge-prod")
        #expect(cluster.folder == test.folder + "/overlays/prod")
        #expect(cluster.hub.port == 9090)
        #expect(cluster.hub.alerts.isEmpty)
        #expect(cluster.functions.map(\.name) == ["hello", "tock"])
        #expect(cluster.functions[0].env == ["GREETING": "hello"])
        #expect(cluster.functions[0].scale.max == 4)
        #expect(cluster.targets.map(\.name) == ["here", "rack-a"])
        #expect(cluster.targets[1].settings["machines"] == ["count": 9])
        #expect(cluster.safety.protect == ["rack-a/*"])
        func place(_ span: SourceSpan) -> String { "\(span)".replacing(test.folder + "/", with: "") }
        #expect(place(cluster.hub.spans["port"]) == "overlays/prod/overlay.yaml:15:17")
        #expect(place(cluster.functions[0].spans["env.GREETING"]) == "overlays/prod/overlay.yaml:19:25")
        #expect(place(cluster.functions[0].spans["command"]) == "base/cluster.yaml:16:16")
        #expect(place(cluster.targets[1].spans["machines.count"]) == "overlays/prod/overlay.yaml:22:27")
        #expect(place(cluster.spans["metadata.name"]) == "overlays/prod/overlay.yaml:4:9")
    }

    @Test("paths of a base start at the base's folder, of whatever depth")
    func paths() throws {
        let test = try Case("good-overlay-of-overlay")
        let cluster = try #require(test.load().cluster)
        #expect(cluster.hub.port == 2)
        #expect(cluster.name == "eu")
        #expect(cluster.functions[0].sourceFolder?.hasSuffix("/good-overlay-of-overlay/base/functions/hello") == true)
    }

    @Test("a changed base is another digest")
    func digest() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "osiris-overlay-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let overlay = "apiVersion: osiris.dev/v1\nkind: Overlay\nspec: {base: cluster.yaml, patch: {hub: {port: 1}}}\n"
        try overlay.write(to: folder.appendingPathComponent("prod.yaml"), atomically: true, encoding: .utf8)
        func digest(_ port: Int) throws -> String? {
            try manifest("  hub: {port: \(port)}\n").write(
                to: folder.appendingPathComponent("cluster.yaml"), atomically: true, encoding: .utf8)
            return load([folder.path + "/prod.yaml"]).cluster?.digest
        }
        let (first, second, third) = try (digest(2), digest(3), digest(2))
        #expect(first != nil && first != second && first == third)
    }

    @Test("where the state is can come from the base, from the overlay, or from neither")
    func state() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "osiris-overlay-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try manifest("  state: base.db\n").write(
            to: folder.appendingPathComponent("cluster.yaml"), atomically: true, encoding: .utf8)
        func state(_ spec: String) throws -> String? {
            let path = folder.path + "/prod.yaml"
            try "apiVersion: osiris.dev/v1\nkind: Overlay\nspec: {base: cluster.yaml, \(spec)}\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            return try ManifestLoader.state(paths: [path], standardInput: { [] })?.place
        }
        #expect(try state("") == "base.db")
        #expect(try state("patch: {state: prod.db}") == "prod.db")
        #expect(try state("remove: [state]") == nil)
    }
}
