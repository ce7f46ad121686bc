import Foundation
import GRDB
import OsirisDiagnostics
import OsirisModel

/// Reads the whole state in one transaction and checks its invariants.
///
/// Invariants: every address has the form of one and at most one resource; every parent is a resource; all JSON is ours;
/// tokens of open intents are unique.
struct SnapshotReader {
    let path: String

    func read(_ db: Database) throws -> StoredState {
        guard let meta = try Row.fetchOne(db, sql: "SELECT lineage, cluster, serial FROM meta"),
            let lineage = meta.text(0), let serial = meta.int(2)
        else { throw Fault.damaged(path, "it has no lineage") }
        var stored = StoredState(snapshot: StateSnapshot(lineage: lineage, serial: serial, cluster: meta.text(1)))
        try readResources(db, into: &stored)
        var snapshot = stored.snapshot
        snapshot.serial = max(snapshot.serial, try SessionIndex.lastSerial(db))
        for record in snapshot.resources.values {
            if let parent = record.parent, snapshot.resources[parent] == nil {
                throw Fault.damaged(path, "\(record.address) lives on \(parent), which is not recorded")
            }
        }
        snapshot.intents = try readIntents(db)
        guard Set(snapshot.intents.map(\.token)).count == snapshot.intents.count else {
            throw Fault.damaged(path, "two open intents have the same token")
        }
        stored.snapshot = snapshot
        return stored
    }

    private func readResources(_ db: Database, into stored: inout StoredState) throws {
        var seen = Set<String>(minimumCapacity: 1_000)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT event, address, parent, provider, type, schemaVersion, spanFile, spanLine, spanColumn,
                    spanEndLine, spanEndColumn, dependsOn, attributes, sealed, incomplete
                FROM changes ORDER BY seq DESC
                """)
        while let row = try rows.next() {
            let kind = try event(row.currentText(0))
            if kind.isRemark { continue }
            guard let text = row.currentText(1) else { throw Fault.damaged(path, "a change has no address") }
            guard seen.insert(text).inserted, !kind.removes else { continue }
            let address = try address(text)
            guard let provider = row.currentText(3) else {
                throw Fault.damaged(path, "the record of \(address) is incomplete")
            }
            if let sealed = row.blob(13) { stored.sealed[address] = sealed }
            stored.snapshot.resources[address] = ResourceRecord(
                address: address, provider: provider, schemaVersion: row.currentInt(5) ?? 1,
                attributes: try attributes(row, 12, of: text),
                parent: try optionalAddress(row.currentText(2)), dependsOn: try dependencies(row, 11, of: text),
                source: span(row), incomplete: row.currentText(14))
        }
    }

    private func readIntents(_ db: Database) throws -> [Intent] {
        let sql = """
            SELECT token, address, provider, type, action, parent, startedAt, failure, planned, dependsOn FROM intents ORDER BY id
            """
        return try Row.fetchAll(db, sql: sql).map { row in
            guard let token = row.text(0), let address = row.text(1), let provider = row.text(2),
                let type = row.text(3), let action = row.text(4).flatMap(Intent.Action.init), let start = row.int(6)
            else { throw Fault.damaged(path, "an intent is incomplete") }
            return Intent(
                token: token, address: try self.address(address), provider: provider, type: type, action: action,
                planned: try attributes(row, 8, of: address), parent: try optionalAddress(row.text(5)),
                dependsOn: try dependencies(row, 9, of: address), startedAt: Date(stateMilliseconds: start),
                failure: row.text(7))
        }
    }

    private func event(_ text: String?) throws -> EventRecord.Kind {
        guard let kind = text.flatMap(EventRecord.Kind.init) else {
            throw Fault.damaged(path, "an event has a kind that does not exist")
        }
        return kind
    }

    private func address(_ text: String) throws -> ResourceAddress {
        guard let address = ResourceAddress(text) else { throw Fault.damaged(path, "an address is malformed") }
        return address
    }

    private func optionalAddress(_ text: String?) throws -> ResourceAddress? { try text.map(address) }

    private func attributes(_ row: Row, _ column: Int, of address: String) throws -> Attributes {
        guard case .map(let attributes)? = try json(row, column, of: address) else {
            throw Fault.damaged(path, "the attributes of \(address) are not a JSON object")
        }
        return attributes
    }

    private func dependencies(_ row: Row, _ column: Int, of owner: String) throws -> [ResourceAddress] {
        guard let items = try json(row, column, of: owner)?.listValue else { return [] }
        return try items.map { try address($0.stringValue ?? "") }
    }

    /// Parses a column in SQLite's own memory, without copying it into a string first.
    private func json(_ row: Row, _ column: Int, of address: String) throws -> Value? {
        do {
            return try row.withUnsafeData(atIndex: column) { data in try data.map { try Value(json: $0) } }
        } catch let error as JSONError {
            throw Fault.damaged(path, "the record of \(address) is \(error)")
        }
    }

    private func span(_ row: Row) -> SourceSpan? {
        guard let file = row.currentText(6) else { return nil }
        return SourceSpan(
            file: file, start: SourcePosition(line: row.currentInt(7) ?? 1, column: row.currentInt(8) ?? 1),
            end: SourcePosition(line: row.currentInt(9) ?? 1, column: row.currentInt(10) ?? 1))
    }
}

extension Row {
    // Of a row that a cursor is at, these read SQLite's own conversion, which never fails, and cost little.
    func currentText(_ column: Int) -> String? { self[column] }
    func currentInt(_ column: Int) -> Int? { (self[column] as Int64?).map(Int.init) }

    // Of a copied row, GRDB's subscripts trap on a value of another type, which a damaged file may well hold.
    func text(_ column: Int) -> String? { String.fromDatabaseValue(self[column]) }
    func int(_ column: Int) -> Int? { Int.fromDatabaseValue(self[column]) }
    func blob(_ column: Int) -> [UInt8]? { Data.fromDatabaseValue(self[column]).map { Array($0) } }
}
