import Foundation
import GRDB

/// How a database of an older format becomes one of the present format.
///
/// A reader migrates a copy in memory and leaves the file alone. A writer takes the lock, copies the file beside itself,
/// and migrates in one transaction that checks the lock: a program of the older format that still runs is refused first
/// or, when its lock was taken over, writes nothing afterwards.
enum Migration {
    /// The statements that lead from a format to the next. A format that was released is never changed again.
    private static let steps: [Int: String] = [
        1: "ALTER TABLE meta ADD COLUMN movedTo TEXT; ALTER TABLE meta ADD COLUMN movedAt INTEGER;"
    ]

    /// - Returns: nil in a database that has none.
    static func version(_ db: Database) throws -> Int? { try Int.fetchOne(db, sql: "SELECT formatVersion FROM meta") }

    /// Brings the tables to the present format. Inside a transaction of the caller.
    static func run(_ db: Database) throws {
        let first = try version(db) ?? Schema.formatVersion
        for version in first..<max(first, Schema.formatVersion) {
            guard let step = steps[version] else { preconditionFailure("format \(version) has no migration") }
            try db.execute(sql: step)
            try db.execute(sql: "UPDATE meta SET formatVersion = ?", arguments: [version + 1])
        }
    }

    /// A copy in memory, of the present format.
    static func copyInMemory(of queue: DatabaseQueue) throws -> DatabaseQueue {
        let copy = try DatabaseQueue()
        // A copy in memory cannot take pages of another size (https://www.sqlite.org/c3ref/backup_finish.html).
        try copy.inDatabase { try $0.execute(sql: "PRAGMA page_size = \(Schema.pageSize)") }
        try queue.backup(to: copy)
        try copy.inDatabase { db in
            try db.inTransaction {
                try run(db)
                return .commit
            }
        }
        return copy
    }

    /// Migrates the file, with a backup beside it first.
    /// - Throws: OSR0404 if a run holds the lock; `DatabaseError`; `PrivateFile.Failure`.
    static func upgrade(_ file: StateFile, _ queue: DatabaseQueue, as identity: ProcessIdentity, now: Date) throws {
        var fencing = 0
        try queue.inDatabase { db in
            try db.inTransaction(.immediate) {
                fencing = try LockTable.take(
                    db, operation: "migration of the state", identity: identity, now: now, path: file.path)
                return .commit
            }
        }
        try backUp(queue, of: file)
        try queue.inDatabase { db in
            try db.inTransaction(.immediate) {
                try LockTable.check(db, fencing: fencing, path: file.path)
                try run(db)
                try LockTable.release(db, fencing: fencing)
                return .commit
            }
        }
    }

    /// Leaves `state.db.format1`. One that is there already is as old as the file or older: it stays.
    private static func backUp(_ queue: DatabaseQueue, of file: StateFile) throws {
        let version = try queue.inDatabase(version) ?? 0
        let backup = "\(file.path).format\(version)"
        let draft = "\(backup).new-\(getpid())"
        defer { unlink(draft) }
        try PrivateFile.write([], to: draft)
        let copy = try DatabaseQueue(path: draft)
        try queue.backup(to: copy)
        // One file, without a log beside it.
        _ = try copy.inDatabase { try String.fetchOne($0, sql: "PRAGMA journal_mode = DELETE") }
        try copy.close()
        try PrivateFile.publish(draft, as: backup)
    }
}
