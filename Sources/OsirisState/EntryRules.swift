import Foundation
import OsirisDiagnostics
import OsirisModel

/// A `StateEntry` with its JSON made and its secrets sealed, so that a commit only has to write.
struct PreparedEntry: Sendable {
    let entry: StateEntry
    /// Attributes of the record, or planned attributes of the intent.
    var attributes: String?
    var sealed: [UInt8]?
    /// Of a move: the records besides the first.
    var dependants: [PreparedRecord]

    init(_ entry: StateEntry, sealed: [UInt8]?, dependants: [PreparedRecord] = []) {
        self.entry = entry
        self.sealed = sealed
        self.dependants = dependants
        if case .intent(let intent) = entry { attributes = Value.map(intent.planned).jsonText }
        if let record = entry.record { attributes = Value.map(record.attributes).jsonText }
    }
}

/// A record with its JSON made and its secrets sealed.
struct PreparedRecord: Sendable {
    let record: ResourceRecord
    let attributes: String
    let sealed: [UInt8]?

    init(_ record: ResourceRecord, sealed: [UInt8]?) {
        self.record = record
        self.sealed = sealed
        attributes = Value.map(record.attributes).jsonText
    }
}

extension StateEntry {
    /// The record this entry writes, if it writes one.
    var record: ResourceRecord? {
        switch self {
        case .succeeded(_, let record, _): record
        case .moved(_, _, let record, _): record
        case .observed(let record, _): record
        default: nil
        }
    }
}

/// One thing that a commit stores.
enum StateChange: Sendable {
    /// `row` tells intents apart in a table; elsewhere the token does.
    case opened(Intent, planned: String, row: Int64)
    /// The operation failed; it may have taken effect.
    case stillOpen(token: String, row: Int64, failure: String)
    case closed(token: String, row: Int64)
    case recorded(ResourceRecord, attributes: String, sealed: [UInt8]?, EventHeader)
    /// An event without a record: a remark, or the end of a resource.
    case event(address: ResourceAddress?, EventHeader)
}

/// What every event has.
struct EventHeader: Sendable {
    /// Position in the history, from 1.
    var seq: Int64
    var serial: Int
    var kind: EventRecord.Kind
    var token: String?
    /// Empty for none.
    var text: String
}

/// Turns entries into what is to be stored, and keeps the index in step. Pure; one value for each commit.
struct EntryRules {
    var index: SessionIndex
    private var changesResources = false

    init(index: SessionIndex) { self.index = index }

    /// - Throws: `DiagnosticsError` with the index unchanged if the entry contradicts the state.
    mutating func changes(for prepared: PreparedEntry) throws(DiagnosticsError) -> [StateChange] {
        switch prepared.entry {
        case .intent(let intent): return [try begin(intent, planned: prepared.attributes ?? "{}")]
        case .succeeded(let token, let record?, let text):
            let intent = try open(token)
            try checkParent(of: record)
            let kind: EventRecord.Kind = intent.action == .create ? .created : .updated
            return [close(token, intent), append(record, prepared, kind, token: token, text: text)]
        case .succeeded(let token, nil, let text):
            let intent = try open(token)
            return [close(token, intent)] + remove(intent.address, .deleted, token: token, text: text)
        case .moved(let token, let from, let record, _):
            return try move(from, record, prepared, token: token)
        case .failed(let token, let message, let keepIntent):
            let intent = try open(token)
            let first: StateChange =
                keepIntent ? .stillOpen(token: token, row: intent.row, failure: message) : close(token, intent)
            return [first, event(.failed, intent.address, token: token, text: message)]
        case .closed(let token, let text):
            let intent = try open(token)
            return [close(token, intent), event(.note, intent.address, token: token, text: text)]
        case .observed(let record, let text):
            try checkParent(of: record)
            return [append(record, prepared, .observed, token: nil, text: text)]
        case .forgotten(let address, let text):
            return index.contains(address) ? remove(address, .forgotten, token: nil, text: text) : []
        case .note(let address, let text): return [event(.note, address, token: nil, text: text)]
        }
    }

    /// All of it at once, so that no resource is ever without what it lives on.
    private mutating func move(
        _ from: ResourceAddress, _ record: ResourceRecord, _ prepared: PreparedEntry, token: String
    ) throws(DiagnosticsError) -> [StateChange] {
        let intent = try open(token)
        guard index.contains(from) else {
            throw Fault.inconsistent("it was to be renamed and is not recorded", address: from.text)
        }
        guard !index.contains(record.address) else {
            throw Fault.inconsistent("\(from) was to get the name of another resource", address: record.address.text)
        }
        guard index.hasNoChildren(from, besides: prepared.dependants.map(\.record.address)) else {
            throw Fault.inconsistent("it was to be renamed without all that lives on it", address: from.text)
        }
        try checkParent(of: record)
        var changes = [close(token, intent), event(.forgotten, from, token: token, text: "moved to \(record.address)")]
        index.remove(from)
        changes.append(append(record, prepared, .moved, token: token, text: "moved from \(from)"))
        for other in prepared.dependants {
            changes.append(
                append(
                    other.record, attributes: other.attributes, sealed: other.sealed, .observed, token: token,
                    text: "\(from) is \(record.address) now"))
        }
        return changes
    }

    private func open(_ token: String) throws(DiagnosticsError) -> SessionIndex.OpenIntent {
        guard let intent = index.intents[token] else {
            throw Fault.inconsistent("a result was recorded for an operation that was not begun", address: nil)
        }
        return intent
    }

    private func checkParent(of record: ResourceRecord) throws(DiagnosticsError) {
        guard let parent = record.parent, !index.contains(parent) else { return }
        throw Fault.inconsistent("its parent \(parent) is not recorded", address: record.address.text)
    }

    private mutating func begin(_ intent: Intent, planned: String) throws(DiagnosticsError) -> StateChange {
        guard index.intents[intent.token] == nil else {
            throw Fault.inconsistent("two operations have the same token", address: intent.address.text)
        }
        let row = index.nextIntent
        index.nextIntent += 1
        index.intents[intent.token] = .init(row: row, address: intent.address, action: intent.action)
        return .opened(intent, planned: planned, row: row)
    }

    private mutating func close(_ token: String, _ intent: SessionIndex.OpenIntent) -> StateChange {
        index.intents[token] = nil
        return .closed(token: token, row: intent.row)
    }

    private mutating func append(
        _ record: ResourceRecord, _ prepared: PreparedEntry, _ kind: EventRecord.Kind, token: String?, text: String
    ) -> StateChange {
        append(
            record, attributes: prepared.attributes ?? "{}", sealed: prepared.sealed, kind, token: token, text: text)
    }

    private mutating func append(
        _ record: ResourceRecord, attributes: String, sealed: [UInt8]?, _ kind: EventRecord.Kind, token: String?,
        text: String
    ) -> StateChange {
        let header = header(kind, token: token, text: text)
        index.bodies += 1
        index.insert(record.address, parent: record.parent)
        return .recorded(record, attributes: attributes, sealed: sealed, header)
    }

    private mutating func remove(
        _ address: ResourceAddress, _ kind: EventRecord.Kind, token: String?, text: String
    ) -> [StateChange] {
        var changes: [StateChange] = []
        for child in index.descendants(of: address) {
            changes.append(event(kind, child, token: token, text: "gone with \(address)"))
            index.remove(child)
        }
        changes.append(event(kind, address, token: token, text: text))
        index.remove(address)
        index.hasRemoved = true
        return changes
    }

    private mutating func event(
        _ kind: EventRecord.Kind, _ address: ResourceAddress?, token: String?, text: String
    ) -> StateChange {
        .event(address: address, header(kind, token: token, text: text))
    }

    /// The serial counts commits, so the first change of one raises it for all.
    private mutating func header(_ kind: EventRecord.Kind, token: String?, text: String) -> EventHeader {
        if !kind.isRemark, !changesResources {
            changesResources = true
            index.serial += 1
        }
        defer { index.nextChange += 1 }
        return EventHeader(seq: index.nextChange, serial: index.serial, kind: kind, token: token, text: text)
    }
}
