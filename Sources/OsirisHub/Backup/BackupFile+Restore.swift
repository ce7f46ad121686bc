import Foundation
import GRDB
import OsirisModel

extension BackupFile {
    private static func refused(_ reason: String) -> HubError {
        HubError(400, "not_a_backup", "\(reason) Nothing was changed.")
    }

    /// Checks the whole backup and lays its versions down in a folder, as they are in a data folder. Changes nothing
    /// else, but brings the tables of the file itself up to date.
    /// - Returns: the digest of its content.
    /// - Throws: `HubError` 400 for what is no backup, is damaged, or was made by a newer hub.
    func unpack(into folder: DataFolder) throws -> String {
        try folder.create(folder.functions)
        try folder.create(folder.secrets, mode: 0o700)
        do {
            let queue = try DatabaseQueue(path: path)
            defer { try? queue.close() }
            let digest = try queue.read(Self.check)
            try SQLiteCatalog.migrator.migrate(queue)
            try queue.read { try Self.unpack($0, into: folder) }
            return digest
        } catch let error as DatabaseError {
            throw Self.refused("This is no backup of a hub, or a damaged one: \(error.message ?? "not a database").")
        }
    }

    private static func check(_ database: Database) throws -> String {
        guard try database.tableExists("backup"), try database.tableExists("functions"),
            let row = try Row.fetchOne(database, sql: "SELECT * FROM backup")
        else { throw refused("This is no backup of a hub.") }
        let (format, hub): (Int, String) = (row["format"], row["hub"])
        let known = Set(SQLiteCatalog.migrator.migrations)
        guard format <= Self.format, try SQLiteCatalog.migrator.appliedIdentifiers(database).isSubset(of: known) else {
            throw refused("The backup was made by a newer hub (\(hub)); this one is \(HubVersion.current).")
        }
        guard try String.fetchAll(database, sql: "PRAGMA integrity_check") == ["ok"],
            row["digest"] == (try digest(database))
        else { throw refused("The backup is damaged: its content does not fit its digest.") }
        return row["digest"]
    }

    private static func unpack(_ database: Database, into folder: DataFolder) throws {
        for entries in try entries(database) {
            var other: String?
            for entry in entries {
                let (name, version) = (entry.spec.name, entry.version)
                guard FunctionName.isLabel(name.namespace), FunctionName.isLabel(name.name), version > 0 else {
                    throw refused("The backup has a function whose name is none.")
                }
                let source = try source(of: entry, database)
                try folder.create(folder.functionFolder(name))
                try folder.store(source, as: name, version: version, sharing: other)
                other = folder.versionFolder(name, version)
                for (table, digests, file) in [
                    ("backup_secrets", entry.spec.secretDigests, folder.secretFile(name, version)),
                    (
                        "backup_secret_files", entry.spec.secretFileDigests ?? [:],
                        folder.secretFilesFile(name, version)
                    ),
                ] where !digests.isEmpty {
                    let secrets = try Data.fetchOne(
                        database, sql: "SELECT bytes FROM \(table) WHERE namespace = ? AND name = ? AND version = ?",
                        arguments: [name.namespace, name.name, version])
                    guard let secrets else { throw refused("The backup lacks the secrets of \(name).") }
                    try folder.create(folder.secretFolder(name), mode: 0o700)
                    try folder.write(Array(secrets), to: file, mode: 0o600)
                }
            }
        }
    }

    private static func source(of entry: CatalogEntry, _ database: Database) throws -> SourceTree {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT path, executable, bytes FROM backup_files JOIN backup_blobs USING (sha256)
                WHERE namespace = ? AND name = ? AND version = ?
                """,
            arguments: [entry.spec.name.namespace, entry.spec.name.name, entry.version])
        let files = rows.map { row in
            SourceTree.File(path: row["path"], executable: row["executable"], bytes: Array(row["bytes"] as Data))
        }
        let tree = SourceTree(files: files)
        // The digest covers every path and every byte; a path that leads out of the folder must not get that far.
        guard files.allSatisfy({ DeployRequest.isRelative($0.path) }), tree.digest == entry.sourceDigest else {
            throw refused("The backup is damaged: the files of \(entry.spec.name) do not fit their digest.")
        }
        return tree
    }
}
