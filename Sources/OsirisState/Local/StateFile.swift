import Foundation
import GRDB

/// The database file: how it is made, opened and closed. Synchronous; called on the store's own thread only.
struct StateFile: Sendable {
    let path: String

    /// True also for a log whose database is gone: what it holds must not be mixed into a new one.
    var exists: Bool { access(path, F_OK) == 0 || access(path + "-wal", F_OK) == 0 }

    /// Opens the database, gives it to `body`, and closes it, which copies the write-ahead log into it.
    ///
    /// A reader is given a database of the present format, whatever the file's is.
    func withDatabase<Result>(writing: Bool, _ body: (Database) throws -> Result) throws -> Result {
        do {
            let queue = try open()
            defer { try? queue.close() }
            if !writing, try isOld(queue) {
                return try Migration.copyInMemory(of: queue).inDatabase(body)
            }
            return try queue.inDatabase(body)
        } catch {
            throw Fault.database(error, path: path, writing: writing)
        }
    }

    /// Opens a database that exists.
    /// - Throws: `DiagnosticsError` if it is not a state or is newer; `DatabaseError`.
    func open() throws -> DatabaseQueue {
        var size = stat()
        guard stat(path, &size) == 0 else {
            if errno == ENOENT { throw Fault.damaged(path, "the file is missing, but its log is there") }
            throw Fault.unreadable(path, String(cString: strerror(errno)))
        }
        guard size.st_mode & S_IFMT != S_IFDIR else { throw Fault.unreadable(path, "it is a folder") }
        // SQLite takes an empty file for an empty database, which would make every resource look absent.
        guard size.st_size > 0 else { throw Fault.damaged(path, "the file is empty") }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration())
            try queue.inDatabase(check)
            return queue
        } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) {
            return try openReadOnly()
        }
    }

    /// Opens the database for a session: migrated, if it is of an older format.
    func openForWriting(as identity: ProcessIdentity, now: Date) throws -> DatabaseQueue {
        try LockingFilesystem.check(path)
        let queue = try open()
        if try isOld(queue) { try Migration.upgrade(self, queue, as: identity, now: now) }
        return queue
    }

    private func isOld(_ queue: DatabaseQueue) throws -> Bool {
        try queue.inDatabase { try Migration.version($0) ?? 0 } < Schema.formatVersion
    }

    /// In a folder that cannot be written, SQLite's log cannot be made: nobody else can write there either.
    private func openReadOnly() throws -> DatabaseQueue {
        guard access(path + "-wal", F_OK) != 0, access(path, R_OK) == 0 else {
            throw Fault.unreadable(path, "its folder is not writable and it has an open log")
        }
        var configuration = configuration()
        configuration.readonly = true
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        let queue = try DatabaseQueue(path: "file:\(escaped)?immutable=1", configuration: configuration)
        try queue.inDatabase(check)
        return queue
    }

    private func check(_ db: Database) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == Schema.applicationID else {
            throw Fault.damaged(path, "it is not a state of osiris")
        }
        let version = try Migration.version(db) ?? 0
        if version > Schema.formatVersion { throw Fault.tooNew(path, version: version) }
        guard version > 0 else { throw Fault.damaged(path, "it has no format version") }
    }

    /// Makes an empty state if there is none. It appears whole and durable under its name, or not at all.
    func create(lineage: String, cluster: String) throws {
        if exists { return }
        let folder = (path as NSString).deletingLastPathComponent
        let draft = "\(path).new-\(getpid())"
        defer { for suffix in ["", "-wal", "-shm"] { unlink(draft + suffix) } }
        do {
            try FileManager.default.createDirectory(
                atPath: folder.isEmpty ? "." : folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try PrivateFile.write([], to: draft)
            let queue = try DatabaseQueue(path: draft, configuration: configuration())
            try queue.inDatabase { db in
                // The page size cannot change once the log is on, so it comes first.
                try db.execute(sql: "PRAGMA page_size = \(Schema.pageSize)")
                _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
                try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
                try db.inTransaction {
                    try db.execute(sql: Schema.tables)
                    try db.execute(
                        sql: "INSERT INTO meta (formatVersion, lineage, cluster, serial) VALUES (?, ?, ?, 0)",
                        arguments: [Schema.formatVersion, lineage, cluster])
                    return .commit
                }
            }
            try queue.close()
            try PrivateFile.publish(draft, as: path)
        } catch let error as PrivateFile.Failure {
            throw Fault.write(path, error.description)
        } catch let error as CocoaError {
            throw Fault.write(path, error.localizedDescription)
        } catch {
            throw Fault.database(error, path: path, writing: true)
        }
    }

    private func configuration() -> Configuration {
        var configuration = Configuration()
        // Statement arguments hold digests and sealed bytes only; they stay out of error texts all the same.
        configuration.publicStatementArguments = false
        configuration.busyMode = .timeout(10)
        configuration.label = "osiris.state"
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = \(Schema.checkpointPages);
                    PRAGMA cell_size_check = ON;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA secure_delete = ON;
                    """)
        }
        return configuration
    }
}
