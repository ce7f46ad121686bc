import Foundation
import GRDB

/// The one row of the lock. Each function runs inside a transaction of the caller.
enum LockTable {
    /// The present holder; nil if the lock is free.
    static func holder(_ db: Database) throws -> LockHolder? {
        let sql = "SELECT fencing, user, host, pid, operation, since, renewedAt, process FROM lock"
        guard let row = try Row.fetchOne(db, sql: sql), let user = row.text(1) else { return nil }
        return LockHolder(
            id: row.int(0) ?? 0, user: user, host: row.text(2) ?? "", pid: row.int(3) ?? 0,
            operation: row.text(4) ?? "", since: Date(stateMilliseconds: row.int(5) ?? 0),
            renewedAt: Date(stateMilliseconds: row.int(6) ?? 0), process: row.text(7))
    }

    /// Takes the lock for this process.
    ///
    /// The fencing token is the time in seconds, or one more than the last if that is later. Hosts remember the highest
    /// they saw, so it must grow over a state that was rebuilt or restored from a backup, which counting alone does not.
    /// - Returns: the new fencing token.
    static func take(_ db: Database, operation: String, identity: ProcessIdentity, now: Date, path: String) throws
        -> Int
    {
        let holder = try holder(db)
        let free = LockRule.mayTake(
            from: holder, host: identity.host, now: now, startOfProcess: ProcessIdentity.startMark)
        if !free, let holder { throw Fault.locked(path, by: holder) }
        try db.execute(
            sql: """
                UPDATE lock SET fencing = max(fencing + 1, ?), user = ?, host = ?, pid = ?, process = ?, operation = ?,
                    since = ?, renewedAt = ?
                """,
            arguments: [
                Int(now.timeIntervalSince1970), identity.user, identity.host, identity.pid, identity.process, operation,
                now.stateMilliseconds,
                now.stateMilliseconds,
            ])
        guard let fencing = try Int.fetchOne(db, sql: "SELECT fencing FROM lock") else {
            throw Fault.damaged(path, "its lock row is missing")
        }
        return fencing
    }

    /// - Throws: OSR0405 if the lock is no longer held under this token.
    static func check(_ db: Database, fencing: Int, path: String) throws {
        let statement = try db.cachedStatement(sql: "SELECT fencing FROM lock WHERE user IS NOT NULL")
        guard try Int.fetchOne(statement) == fencing else { throw Fault.lockLost(path) }
    }

    static func renew(_ db: Database, now: Date) throws {
        try db.execute(sql: "UPDATE lock SET renewedAt = ?", arguments: [now.stateMilliseconds])
    }

    /// - Returns: false if the lock is not held under this token.
    @discardableResult
    static func release(_ db: Database, fencing: Int) throws -> Bool {
        try db.execute(sql: "UPDATE lock SET user = NULL WHERE fencing = ? AND user IS NOT NULL", arguments: [fencing])
        return db.changesCount == 1
    }
}
