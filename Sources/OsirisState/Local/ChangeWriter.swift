import Foundation
import GRDB
import OsirisModel

/// Writes changes as rows, inside a transaction of the caller.
struct ChangeWriter {
    let db: Database
    let apply: Int
    /// In milliseconds; see `Date.stateMilliseconds`.
    let now: Int

    /// - Throws: `DatabaseError`.
    func write(_ change: StateChange) throws {
        switch change {
        case .opened(let intent, let planned, let row): try open(intent, planned: planned, row: row)
        case .stillOpen(_, let row, let failure):
            try db.cachedStatement(sql: "UPDATE intents SET failure = ? WHERE id = ?").execute(arguments: [
                failure, row,
            ])
        case .closed(_, let row):
            try db.cachedStatement(sql: "DELETE FROM intents WHERE id = ?").execute(arguments: [row])
        case .recorded(let record, let attributes, let sealed, let header):
            try append(record, attributes: attributes, sealed: sealed, header)
        case .event(let address, let header): try append(address, header)
        }
    }

    private func open(_ intent: Intent, planned: String, row: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO intents
                    (id, apply, startedAt, token, action, address, parent, dependsOn, provider, type, failure, planned)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            row, apply, intent.startedAt.stateMilliseconds, intent.token, intent.action.rawValue, intent.address.text,
            intent.parent?.text, json(intent.dependsOn), intent.provider, intent.type, intent.failure, planned,
        ])
    }

    private func append(
        _ record: ResourceRecord, attributes: String, sealed: [UInt8]?, _ header: EventHeader
    ) throws {
        let span = record.source
        try db.cachedStatement(
            sql: """
                INSERT INTO changes
                    (seq, serial, apply, time, event, address, parent, token, provider, type, schemaVersion, spanFile,
                    spanLine, spanColumn, spanEndLine, spanEndColumn, dependsOn, text, incomplete, attributes, sealed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            header.seq, header.serial, apply, now, header.kind.rawValue, record.address.text, record.parent?.text,
            header.token, record.provider, record.type, record.schemaVersion, span?.file, span?.start.line,
            span?.start.column, span?.end.line, span?.end.column, json(record.dependsOn),
            header.text.isEmpty ? nil : header.text, record.incomplete, attributes, sealed.map { Data($0) },
        ])
    }

    private func append(_ address: ResourceAddress?, _ header: EventHeader) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO changes (seq, serial, apply, time, event, address, token, text)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            header.seq, header.serial, apply, now, header.kind.rawValue, address?.text, header.token,
            header.text.isEmpty ? nil : header.text,
        ])
    }

    /// A list of addresses as JSON; nothing for an empty one.
    private func json(_ addresses: [ResourceAddress]) -> String? {
        addresses.isEmpty ? nil : Value.list(addresses.map { .string($0.text) }).jsonText
    }
}
