import Foundation
import OsirisTransport
import ProviderAWS
import ProviderLocal
import ProviderSSH
import ProviderSimulated
import Testing

@testable import OsirisManifest

/// The JSON Schema of the whole program accepts every example: with Python's `jsonschema`.
struct ExampleSchemaTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func everyExampleIsAccepted() async throws {
        let ssh = SSHSessions()
        let http = HTTPClient(ssh: ssh)
        let kinds = [
            AWSProvider(hubVersion: "1", client: AWSClient(http: http)).targetKind,
            LocalProvider(hubVersion: "1", http: http).targetKind,
            SSHProvider(hubVersion: "1", sessions: ssh, http: http).targetKind,
            SimulatedProvider(hubVersion: "1").targetKind,
        ].compactMap(\.self)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "osiris-examples-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let schema = folder.appendingPathComponent("schema.json")
        try ManifestJSONSchema.render(kinds: kinds).write(to: schema, atomically: true, encoding: .utf8)
        var words = ["python3", "-c", Self.program, schema.path]
        let examples = Self.root.appendingPathComponent("examples")
        let paths = FileManager.default.enumerator(atPath: examples.path)?.compactMap { $0 as? String } ?? []
        for path in paths where path.hasSuffix(".yaml") && !path.contains("/tests/") {
            let text = try String(contentsOf: examples.appendingPathComponent(path), encoding: .utf8)
            let document = try #require(ManifestJSONSchema.parsed(text), "\(path)")
            let file = folder.appendingPathComponent(path.replacing("/", with: "_") + ".json")
            try document.rendered().write(to: file, atomically: true, encoding: .utf8)
            words.append(file.path)
        }
        #expect(words.count > 5)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let ended = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in ended.continuation.finish() }
        try process.run()
        for await _ in ended.stream {}
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(process.terminationStatus == 0, "\(text)")
    }

    private static let program = """
        import json, sys
        from jsonschema import Draft202012Validator
        schema = json.load(open(sys.argv[1]))
        Draft202012Validator.check_schema(schema)
        for path in sys.argv[2:]:
            faults = [(list(error.path), error.message) for error in Draft202012Validator(schema).iter_errors(json.load(open(path)))]
            assert not faults, (path, faults)
        """
}
