import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// A folder that goes with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/osiris-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) -> String { (try? String(contentsOfFile: path + "/" + name, encoding: .utf8)) ?? "" }

    func write(_ text: String, to name: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    }

    /// A script that can be started.
    func write(program text: String, to name: String) throws {
        try write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path + "/" + name)
        ProgramFile.awaitClosed(path + "/" + name)
    }
}

let nowhere = SpanMap(
    whole: SourceSpan(
        file: "cluster.yaml", start: SourcePosition(line: 1, column: 1), end: SourcePosition(line: 1, column: 2)))

func cluster(
    in folder: String, targets: [Target] = [], functions: [FunctionSpec] = [], image: String? = nil, port: Int = 8080
) -> Cluster {
    Cluster(
        name: "edge", hub: HubSpec(image: image, archive: nil, port: port, spans: nowhere), functions: functions,
        targets: targets, safety: SafetySpec(maxDeletes: nil, protect: [], spans: nowhere), digest: "sha256:0",
        folder: folder, spans: nowhere)
}

func target(_ name: String, _ provider: String, _ settings: Attributes = [:]) -> Target {
    Target(name: name, provider: provider, settings: settings, spans: nowhere)
}

func function(_ name: String, source: String? = nil, smoke: FunctionSpec.Smoke? = nil) throws -> FunctionSpec {
    FunctionSpec(
        name: name, namespace: "demo", runtime: .python3, sourceFolder: source,
        sourceDigest: try source.map { try SourceTree(folder: $0).digest }, handler: "hello.handle", command: [],
        alwaysOn: true, scale: .init(), limits: .init(), network: true, env: ["GREETING": "hi"],
        secrets: ["KEY": .secret(Secret(digest: "hmac-sha256:00", plaintext: "clear"))], smoke: smoke, placement: nil,
        spans: nowhere)
}

extension Provider {
    func handler(_ type: String) -> any ResourceHandler { handlers.first { $0.type.name == type }! }
}

extension ReadResult {
    var attributes: Attributes? { if case .present(let attributes) = self { attributes } else { nil } }
    var isAbsent: Bool { if case .absent = self { true } else { false } }
    var reason: String? { if case .unreadable(let reason) = self { reason } else { nil } }
}

/// Polls until `condition` holds; false when the time is up.
func eventually(within seconds: Double = 60, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return false
}

/// What `body` threw, if it was the error of a provider.
func providerError(_ body: () async throws -> Void) async -> ProviderError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ProviderError
    }
}
