import Foundation
import GRDB

/// Brings the file of an older catalog up to date before it is opened.
///
/// All changes are made to a copy, which then takes the file's place in one step: whenever the hub is killed, the next
/// one finds the old catalog whole or the new one. The old file stays beside as `catalog.db.formatN`, N being how many
/// changes its tables had gone through. All calls block; use `BlockingWork`.
struct CatalogUpgrade {
    let path: String
    let migrator: DatabaseMigrator

    private var draft: String { path + ".upgrade" }

    /// - Throws: `StartFailure` for a catalog of a newer hub, which stays as it is; `DatabaseError`.
    func run() throws {
        for name in [draft, draft + "-journal"] { unlink(name) }
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int, size > 0 else {
            return
        }
        let known = Set(migrator.migrations)
        let applied = try appliedChanges()
        if let later = applied.subtracting(known).sorted().first {
            throw StartFailure(
                "\(path) was written by a newer osiris-hub: it has been through the change \"\(later)\". "
                    + "Start that osiris-hub, or put back the copy of the catalog that it laid beside. Nothing was changed."
            )
        }
        guard !applied.isEmpty, applied.count < known.count else { return }
        let queue = try DatabaseQueue(path: path)
        // Folds the write-ahead log in, so that this one file is the whole catalog.
        try queue.writeWithoutTransaction { database in
            _ = try Row.fetchOne(database, sql: "PRAGMA journal_mode = DELETE")
        }
        try keepPrivate(draft)
        try queue.vacuum(into: draft)
        try queue.close()
        let new = try DatabaseQueue(path: draft)
        try migrator.migrate(new)
        try new.close()
        try takePlace(of: "\(path).format\(applied.count)")
    }

    private func appliedChanges() throws -> Set<String> {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { try migrator.appliedIdentifiers($0) }
    }

    private func takePlace(of copy: String) throws {
        sync(draft)
        unlink(copy)
        guard link(path, copy) == 0, rename(draft, path) == 0 else {
            throw StartFailure(
                "\(path) cannot be brought up to date: \(String(cString: strerror(errno))). Nothing was changed.")
        }
        sync((path as NSString).deletingLastPathComponent)
    }

    private func keepPrivate(_ file: String) throws {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartFailure("\(file) cannot be created: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }

    private func sync(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
