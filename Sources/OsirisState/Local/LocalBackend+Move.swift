import Foundation
import GRDB
import OsirisModel

/// A state that moves here is made beside the file, and takes its name when it is put in use.
extension LocalBackend {
    private var draft: StateFile { StateFile(path: file.path + ".arriving") }

    /// - Throws: OSR0417 if a migration to this place is not finished, and there is no state here meanwhile.
    func checkArrival() throws {
        if draft.exists, !file.exists { throw Fault.arriving(file.path) }
    }

    func standing() async throws -> PlaceStanding {
        try await thread.run {
            var standing = PlaceStanding.nothing
            if file.exists { standing = try Self.standing(of: file) }
            if case .inUse = standing { return standing }
            guard draft.exists, case .inUse(let lineage, _) = try? Self.standing(of: draft) else { return standing }
            return .arriving(lineage: lineage)
        }
    }

    private static func standing(of file: StateFile) throws -> PlaceStanding {
        try file.withDatabase(writing: false) { db in
            let row = try Row.fetchOne(db, sql: "SELECT lineage, cluster FROM meta")
            guard let lineage = row?.text(0), let cluster = row?.text(1) else {
                throw Fault.damaged(file.path, "it has no lineage")
            }
            if let move = try MoveTable.mark(db) { return .moved(lineage: lineage, to: move.place, at: move.time) }
            return .inUse(lineage: lineage, cluster: cluster)
        }
    }

    func archive() async throws -> StateArchive? {
        let isArriving = if case .arriving = try await standing() { true } else { false }
        return try await thread.run {
            let file = isArriving ? draft : file
            guard file.exists else { return nil }
            return try file.withDatabase(writing: false) { db in
                let fencing = try Int.fetchOne(db, sql: "SELECT fencing FROM lock") ?? 0
                let runs = try HistoryTable.applies(db, limit: Int(Int32.max)).reversed().map { record in
                    LogFold.Run(record: record, events: try HistoryTable.events(db, apply: record.id))
                }
                return StateArchive(
                    state: try SnapshotReader(path: file.path).read(db), fencing: fencing, runs: runs)
            }
        }
    }

    func receive(_ archive: StateArchive, now: Date) async throws {
        try await thread.run {
            for suffix in ["", "-wal", "-shm"] { unlink(draft.path + suffix) }
            let snapshot = archive.state.snapshot
            try draft.create(lineage: snapshot.lineage, cluster: snapshot.cluster ?? "")
            try draft.withDatabase(writing: true) { db in
                try db.inTransaction(.immediate) {
                    try ArchiveWriter(db: db).write(archive)
                    return .commit
                }
            }
        }
    }

    func activate() async throws {
        try await thread.run {
            guard draft.exists else { return }
            if file.exists {
                // What another file left in its log must not be read into this one.
                try file.withDatabase(writing: true) { db in
                    _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                }
                for suffix in ["-wal", "-shm"] { unlink(file.path + suffix) }
            }
            guard rename(draft.path, file.path) == 0 else {
                throw Fault.write(file.path, PrivateFile.Failure(file.path).description)
            }
            do throws(PrivateFile.Failure) {
                try PrivateFile.syncFolder(of: file.path)
            } catch {
                throw Fault.write(file.path, error.description)
            }
        }
    }
}
