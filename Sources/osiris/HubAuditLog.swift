import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The audit log of one hub, read page by page.
struct HubAuditLog {
    private static let pageSize = 1_000

    private struct Page {
        var records: [Value]
        var oldest: Int
        var head: Int
    }

    let hub: RecordedHub
    private let http = Providers.http

    init(hub: RecordedHub) { self.hub = hub }

    /// The latest records, oldest first.
    func tail(_ count: Int) async throws -> [Value] {
        let head = try await page(from: 1, limit: 0).head
        var records: [Value] = []
        var next = max(1, head - count + 1)
        while next <= head {
            let page = try await page(from: next, limit: min(Self.pageSize, count))
            guard let last = page.records.last?.mapValue?["seq"]?.intValue else { break }
            records += page.records
            next = last + 1
        }
        return Array(records.suffix(count))
    }

    /// Checks every record there is.
    /// - Parameter seen: the last record of an earlier check.
    /// - Throws: `AuditCheck.Break`, or a `Diagnostic` if the hub does not answer.
    func verify(seen: AuditChain.Head?) async throws -> AuditCheck {
        while true {
            do {
                return try await verifyOnce(seen)
            } catch is Outgrown {
                // The hub removed its oldest records while they were being read. That happens once in thousands.
            }
        }
    }

    private struct Outgrown: Error {}

    private func verifyOnce(_ seen: AuditChain.Head?) async throws -> AuditCheck {
        var check = AuditCheck(seen: seen)
        let oldest = try await page(from: 1, limit: 0).oldest
        while true {
            let page = try await page(from: max(check.head.seq + 1, 1), limit: Self.pageSize)
            if page.oldest > oldest, page.oldest > check.head.seq + 1 || check.count == 0 { throw Outgrown() }
            if page.records.isEmpty { break }
            for record in page.records { try check.add(record) }
        }
        try check.finish()
        return check
    }

    private func page(from first: Int, limit: Int) async throws -> Page {
        let answer = try await hub.call("GET", "/system/audit?from=\(first)&limit=\(limit)", as: .admin, over: http)
        try hub.check(answer, "audit log")
        guard let fields = answer.json?.mapValue, let records = fields["records"]?.listValue,
            let oldest = fields["oldest"]?.intValue, let head = fields["head"]?.mapValue?["seq"]?.intValue
        else {
            throw Diagnostic(
                .hubRefused, "`\(hub.address)` answers with something else than its audit log",
                address: hub.address.text, help: "its hub program may be older than this one: `osiris hub info`")
        }
        return Page(records: records, oldest: oldest, head: head)
    }
}

/// The last record that was seen of each hub's audit log, in `audit-heads.json` beside the state.
struct AuditHeads {
    private let path: String

    init(folder: String) { path = folder + "/audit-heads.json" }

    /// - Throws: a `Diagnostic` if the file is there and cannot be understood: that must not pass for "never seen".
    func head(of hub: ResourceAddress) throws -> AuditChain.Head? { try all()[hub.text] }

    func note(_ head: AuditChain.Head, of hub: ResourceAddress) throws {
        var heads = try all()
        heads[hub.text] = head
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            try encoder.encode(heads).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw fault("cannot be written: \(error.localizedDescription)")
        }
    }

    private func all() throws -> [String: AuditChain.Head] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        do {
            return try JSONDecoder().decode(
                [String: AuditChain.Head].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw fault("cannot be read: \(error.localizedDescription)")
        }
    }

    private func fault(_ reason: String) -> Diagnostic {
        Diagnostic(
            .auditBroken, "\(path), which says what was last seen of audit logs, \(reason)",
            help: "put it back from a backup, or move it away to start over")
    }
}
