import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel

/// A `StateEntry` with its JSON made and its secrets sealed, so that a transaction only has to write.
struct PreparedEntry: Sendable {
    let entry: StateEntry
    /// Attributes of the record, or planned attributes of the intent.
    var attributes: String?
    var sealed: [UInt8]?

    init(_ entry: StateEntry, sealed: [UInt8]?) {
        self.entry = entry
        self.sealed = sealed
        if case .intent(let intent) = entry { attributes = Value.map(intent.planned).jsonText }
        if let record = entry.record { attributes = Value.map(record.attributes).jsonText }
    }
}

extension StateEntry {
    /// The record this entry writes, if it writes one.
    var record: ResourceRecord? {
        switch self {
        case .succeeded(_, let record, _): record
        case .observed(let record, _): record
        default: nil
        }
    }
}

/// Writes entries inside a transaction and keeps the index in step.
struct EntryWriter {
    let db: Database
    let apply: Int
    let now: Int
    var index: SessionIndex
    var changesResources = false

    /// - Throws: `DiagnosticsError` with nothing written if the entry contradicts the state; `DatabaseError`.
    mutating func write(_ prepared: PreparedEntry) throws {
        switch prepared.entry {
        case .intent(let intent): try begin(intent, planned: prepared.attributes ?? "{}")
        case .succeeded(let token, let record?, let text):
            let intent = try open(token)
            try checkParent(of: record)
            try close(token, intent)
            try append(record, prepared, intent.action == .create ? .created : .updated, token: token, text: text)
        case .succeeded(let token, nil, let text):
            let intent = try open(token)
            try close(token, intent)
            try remove(intent.address, .deleted, token: token, text: text)
        case .failed(let token, let message, let keepIntent):
            let intent = try open(token)
            if keepIntent {
                try db.cachedStatement(sql: "UPDATE intents SET failure = ? WHERE id = ?")
                    .execute(arguments: [message, intent.row])
            } else {
                try close(token, intent)
            }
            try appendEvent(.failed, intent.address, token: token, text: message)
        case .closed(let token, let text):
            let intent = try open(token)
            try close(token, intent)
            try appendEvent(.note, intent.address, token: token, text: text)
        case .observed(let record, let text):
            try checkParent(of: record)
            try append(record, prepared, .observed, token: nil, text: text)
        case .forgotten(let address, let text):
            guard index.contains(address) else { return }
            try remove(address, .forgotten, token: nil, text: text)
        case .note(let address, let text): try appendEvent(.note, address, token: nil, text: text)
        }
    }

    private func open(_ token: String) throws -> SessionIndex.OpenIntent {
        guard let intent = index.intents[token] else {
            throw Fault.inconsistent("a result was recorded for an operation that was not begun", address: nil)
        }
        return intent
    }

    /// A list of addresses as JSON; nothing for an empty one.
    private func json(_ addresses: [ResourceAddress]) -> String? {
        addresses.isEmpty ? nil : Value.list(addresses.map { .string($0.text) }).jsonText
    }

    private func checkParent(of record: ResourceRecord) throws {
        guard let parent = record.parent, !index.contains(parent) else { return }
        throw Fault.inconsistent("its parent \(parent) is not recorded", address: record.address.text)
    }

    private mutating func begin(_ intent: Intent, planned: String) throws {
        guard index.intents[intent.token] == nil else {
            throw Fault.inconsistent("two operations have the same token", address: intent.address.text)
        }
        let row = index.nextIntent
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
        index.nextIntent += 1
        index.intents[intent.token] = .init(row: row, address: intent.address, action: intent.action)
    }

    private mutating func close(_ token: String, _ intent: SessionIndex.OpenIntent) throws {
        try db.cachedStatement(sql: "DELETE FROM intents WHERE id = ?").execute(arguments: [intent.row])
        index.intents[token] = nil
    }

    private mutating func append(
        _ record: ResourceRecord, _ prepared: PreparedEntry, _ kind: EventRecord.Kind, token: String?, text: String
    ) throws {
        let span = record.source
        let dependsOn = json(record.dependsOn)
        try db.cachedStatement(
            sql: """
                INSERT INTO changes
                    (seq, serial, apply, time, event, address, parent, token, provider, type, schemaVersion, spanFile,
                    spanLine, spanColumn, spanEndLine, spanEndColumn, dependsOn, text, incomplete, attributes, sealed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            index.nextChange, serialAfter(true), apply, now, kind.rawValue, record.address.text, record.parent?.text,
            token, record.provider, record.type, record.schemaVersion, span?.file, span?.start.line,
            span?.start.column, span?.end.line, span?.end.column, dependsOn, text.isEmpty ? nil : text,
            record.incomplete, prepared.attributes, prepared.sealed.map { Data($0) },
        ])
        index.nextChange += 1
        index.bodies += 1
        index.insert(record.address, parent: record.parent)
    }

    private mutating func remove(
        _ address: ResourceAddress, _ kind: EventRecord.Kind, token: String?, text: String
    ) throws {
        for child in index.descendants(of: address) {
            try appendEvent(kind, child, token: token, text: "gone with \(address)")
            index.remove(child)
        }
        try appendEvent(kind, address, token: token, text: text)
        index.remove(address)
        index.hasRemoved = true
    }

    private mutating func appendEvent(
        _ kind: EventRecord.Kind, _ address: ResourceAddress?, token: String?, text: String
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO changes (seq, serial, apply, time, event, address, token, text)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            index.nextChange, serialAfter(!kind.isRemark), apply, now, kind.rawValue, address?.text, token,
            text.isEmpty ? nil : text,
        ])
        index.nextChange += 1
    }

    /// The serial counts transactions, so the first change of one raises it for all.
    private mutating func serialAfter(_ changes: Bool) -> Int {
        if changes, !changesResources {
            changesResources = true
            index.serial += 1
        }
        return index.serial
    }
}
