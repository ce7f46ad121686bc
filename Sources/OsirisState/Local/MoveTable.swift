import Foundation
import GRDB

/// The mark of a state that moved away, in the one row of `meta`. Inside a transaction of the caller.
enum MoveTable {
    /// - Throws: OSR0415 if the state is elsewhere now.
    static func check(_ db: Database, path: String) throws {
        if let move = try mark(db) { throw Fault.moved(path, to: move.place, at: move.time) }
    }

    static func mark(_ db: Database) throws -> LogFold.Move? {
        guard let row = try Row.fetchOne(db, sql: "SELECT movedTo, movedAt FROM meta"), let place = row.text(0) else {
            return nil
        }
        return LogFold.Move(place: place, time: Date(stateMilliseconds: row.int(1) ?? 0))
    }

    static func retire(_ db: Database, to place: String, now: Date) throws {
        try db.execute(
            sql: "UPDATE meta SET movedTo = ?, movedAt = ?", arguments: [place, now.stateMilliseconds])
    }
}
