import Foundation
import GRDB
import OsirisModel

/// A backup: a copy of the catalog with the files and the secrets of all its versions in tables of their own. One SQLite
/// file; equal files of several versions are in it once. All calls block; use `BlockingWork`.
struct BackupFile {
    static let format = 1

    let path: String

    /// Adds files and secrets to a copy of the catalog.
    /// - Returns: the digest of its content.
    /// - Throws: `HubError` 409 if the files of a version in use were changed on disk; kept versions of which that is
    ///   so are left out.
    func fill(from data: DataFolder, cluster: String) throws -> String {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.write { database in
            try Self.createTables(database)
            for entries in try Self.entries(database) {
                let proven = entries.last(where: \.proven)?.version
                for entry in entries {
                    do {
                        try Self.insert(entry, from: data, into: database)
                    } catch let error as HubError {
                        if entry.version == entries.last?.version || entry.version == proven { throw error }
                        try database.execute(
                            sql: "DELETE FROM functions WHERE namespace = ? AND name = ? AND version = ?",
                            arguments: [entry.spec.name.namespace, entry.spec.name.name, entry.version])
                    }
                }
            }
            let digest = try Self.digest(database)
            try database.execute(
                sql: "INSERT INTO backup (format, hub, cluster, created, digest) VALUES (?, ?, ?, ?, ?)",
                arguments: [Self.format, HubVersion.current, cluster, Date().timeIntervalSince1970, digest])
            return digest
        }
    }

    private static func createTables(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE backup (format INTEGER, hub TEXT, cluster TEXT, created REAL, digest TEXT);
                CREATE TABLE backup_blobs (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL);
                CREATE TABLE backup_files (
                    namespace TEXT, name TEXT, version INTEGER, path TEXT, executable INTEGER, sha256 TEXT,
                    PRIMARY KEY (namespace, name, version, path));
                CREATE TABLE backup_secrets (
                    namespace TEXT, name TEXT, version INTEGER, bytes BLOB, PRIMARY KEY (namespace, name, version));
                CREATE TABLE backup_secret_files (
                    namespace TEXT, name TEXT, version INTEGER, bytes BLOB, PRIMARY KEY (namespace, name, version));
                """)
    }

    private static func insert(_ entry: CatalogEntry, from data: DataFolder, into database: Database) throws {
        let (name, version) = (entry.spec.name, entry.version)
        for file in try data.source(of: entry).files {
            let sha256 = Digest.sha256(file.bytes)
            try database.execute(
                sql: "INSERT OR IGNORE INTO backup_blobs VALUES (?, ?)", arguments: [sha256, Data(file.bytes)])
            try database.execute(
                sql: "INSERT INTO backup_files VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [name.namespace, name.name, version, file.path, file.executable, sha256])
        }
        for (table, digests, file) in [
            ("backup_secrets", entry.spec.secretDigests, data.secretFile(name, version)),
            ("backup_secret_files", entry.spec.secretFileDigests ?? [:], data.secretFilesFile(name, version)),
        ] where !digests.isEmpty {
            guard let secrets = FileManager.default.contents(atPath: file) else {
                throw HubError(409, "version_damaged", "The secrets of version \(version) of \(name) are lost.")
            }
            try database.execute(
                sql: "INSERT INTO \(table) VALUES (?, ?, ?, ?)",
                arguments: [name.namespace, name.name, version, secrets])
        }
    }

    /// The versions of each function, oldest first.
    static func entries(_ database: Database) throws -> [[CatalogEntry]] {
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM functions ORDER BY namespace, name, version")
        let byName = Dictionary(grouping: try rows.map(CatalogEntry.init), by: \.spec.name)
        return byName.sorted { ($0.key.namespace, $0.key.name) < ($1.key.namespace, $1.key.name) }.map(\.value)
    }

    /// Over all rows but the blobs, whose own digests are among them. One row at a time, as a backup may be large.
    static func digest(_ database: Database) throws -> String {
        var digest = Digest.sha256([])
        for table in SQLiteCatalog.restoredTables + ["backup_files", "backup_secrets", "backup_secret_files"] {
            let rows = try Row.fetchCursor(database, sql: "SELECT * FROM \(table) ORDER BY 1, 2, 3, 4")
            while let row = try rows.next() {
                var text = "\(digest) \(table)"
                for (column, value) in row { text += " \(column)=\(Self.text(value))" }
                digest = Digest.sha256(text.utf8)
            }
        }
        return digest
    }

    private static func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "null"
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): "\(text.utf8.count):\(text)"
        case .blob(let bytes): Digest.sha256(bytes)
        }
    }
}
