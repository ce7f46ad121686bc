import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel
import OsirisState

/// A folder that is removed when the test ends.
final class TemporaryFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/osiris-state-\(UUID().uuidString)"

    var state: String { path + "/.osiris/state.db" }
    var key: String { path + "/.osiris/key" }
    /// Where a `Child` says what it did.
    var said: String { path + "/said" }
    /// The names beside the database, sorted.
    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/.osiris"))?.sorted() ?? [] }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension RunDescription {
    static let test = RunDescription(
        operation: "apply", cluster: "edge", commit: "c0ffee", arguments: ["apply", "-f", "x"])
}

extension ResourceRecord {
    /// A record as a function in a hub has it: ten attributes.
    static func sample(_ number: Int, version: Int = 1) -> ResourceRecord {
        let name = "here/function.m\(number).demo.hello"
        return ResourceRecord(
            address: ResourceAddress(name)!, provider: "hub",
            attributes: [
                "name": "hello", "namespace": "demo", "runtime": "python3", "alwaysOn": true,
                "scale": ["min": 1], "limits": ["timeout": 10_000, "memory": 134_217_728],
                "env": ["GREETING": .string("hi \(number)")], "handler": "hello.handle",
                "source": .string("sha256:" + String(repeating: "ab", count: 32)), "version": .int(version),
            ],
            source: SourceSpan(
                file: "cluster.yaml", start: SourcePosition(line: 12, column: 5),
                end: SourcePosition(line: 12, column: 9)))
    }

    static func hub(token: String) -> ResourceRecord {
        ResourceRecord(
            address: ResourceAddress("here/hub.here")!, provider: "local",
            attributes: [
                "port": 8080, "token": .secret(Secret(digest: "hmac-sha256:01", plaintext: token)),
                "password": .secret(Secret(digest: "hmac-sha256:02", plaintext: "CANARY-argument")),
            ])
    }
}

extension Intent {
    init(_ token: String, _ action: Action, of record: ResourceRecord) {
        self.init(
            token: token, address: record.address, provider: record.provider, type: record.type, action: action,
            planned: action == .delete ? [:] : record.attributes, parent: record.parent,
            startedAt: Date(timeIntervalSince1970: 1_700_000_000))
    }
}

extension StateStore {
    static func sealingTokens(_ path: String, keyText: String? = nil) -> StateStore {
        open(path: path, keyText: keyText) { type, attribute in type == "hub" && attribute == "token" }
    }
}

extension StateSession {
    func create(_ record: ResourceRecord) async throws {
        try await self.record(.intent(Intent("create-\(record.address)", .create, of: record)))
        try await self.record(.succeeded(token: "create-\(record.address)", record: record))
    }

    func delete(_ record: ResourceRecord) async throws {
        try await self.record(.intent(Intent("delete-\(record.address)", .delete, of: record)))
        try await self.record(.succeeded(token: "delete-\(record.address)", record: nil))
    }
}

/// The codes of the diagnostics an action throws; empty if it throws none.
func codes(_ body: () async throws -> Void) async -> [DiagnosticCode] {
    do {
        try await body()
        return []
    } catch let error as DiagnosticsError {
        return error.diagnostics.map(\.code)
    } catch {
        return []
    }
}

/// Looks into a state behind the store's back.
enum Inspection {
    static func execute(_ sql: String, in path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { try $0.execute(sql: sql) }
        try queue.close()
    }

    static func count(_ sql: String, in path: String) throws -> Int {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.inDatabase { try Int.fetchOne($0, sql: sql) ?? -1 }
    }

    static func text(_ sql: String, in path: String) throws -> String {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.inDatabase { try String.fetchOne($0, sql: sql) ?? "" }
    }
}
