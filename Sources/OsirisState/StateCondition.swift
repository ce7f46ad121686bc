import Foundation
import GRDB
import OsirisDiagnostics

/// Whether a state has to be made again.
public enum StateCondition: Sendable {
    /// There is no file.
    case missing
    /// The file cannot be used (OSR0402); the reason.
    case damaged(String)
    /// Healthy, and without resources, or with those of a rebuild that did not end or left something out.
    case fillable(serial: Int, resources: Int)
    /// Healthy; how many resources it has.
    case filled(Int)

    public var isDamaged: Bool { if case .damaged = self { true } else { false } }
}

extension StateStore {
    /// The name of the runs that make a state again, in its history.
    public static let rebuildOperation = "state rebuild"

    /// Looks more closely than other commands do: at every page of the file.
    /// - Throws: `DiagnosticsError`: OSR0401 unreadable, OSR0403 too new, OSR0406 none of its secrets can be opened, OSR0407 of
    ///   another cluster.
    public func condition(cluster: String) async throws -> StateCondition {
        try await thread.run { [self] in
            guard file.exists else { return .missing }
            do { return try file.condition(of: cluster, key: key) } catch let error as DiagnosticsError {
                guard let fault = error.diagnostics.first, fault.code == .stateDamaged else { throw error }
                return .damaged(fault.message)
            }
        }
    }

    /// Moves a damaged state to `PATH.damaged-TIME` with its log beside it. Never over another file; deletes nothing.
    ///
    /// May be killed at any instant: until the last file is moved the state still counts as damaged, and the next call
    /// moves the rest to the same name. What SQLite can still take out of a log it has put into the database before.
    /// - Returns: The path the database has now; nil if it is not damaged, as after another run mended it.
    /// - Throws: `DiagnosticsError`: OSR0408 when it cannot be moved.
    public func setDamagedAside(cluster: String, now: Date = Date()) async throws -> String? {
        try await thread.run { [self] in
            guard file.exists else { return nil }
            do {
                return try PrivateFile.whileFolderIsLocked(of: path) {
                    guard file.exists else { return nil }
                    do { _ = try file.condition(of: cluster, key: key) } catch let error as DiagnosticsError
                        where error.diagnostics.first?.code == .stateDamaged
                    {
                        return try file.setAside(now: now)
                    }
                    return nil
                }
            } catch let failure as PrivateFile.Failure {
                throw Fault.write(path, failure.description)
            }
        }
    }
}

extension StateFile {
    /// - Throws: `DiagnosticsError`; OSR0402 for a file that cannot be used.
    fileprivate func condition(of cluster: String, key: StateKey) throws -> StateCondition {
        try withDatabase(writing: false) { db in
            let faults = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
            if faults != ["ok"] { throw Fault.damaged(path, faults.first ?? "it cannot be checked") }
            let snapshot = try unsealed(db, key)
            if let recorded = snapshot.cluster, recorded != cluster {
                throw Fault.otherCluster(path, recorded: recorded, wanted: cluster)
            }
            let last = try HistoryTable.applies(db, limit: 1).first
            let isUnfinished = last?.operation == StateStore.rebuildOperation && last?.outcome != .succeeded
            return snapshot.resources.isEmpty || isUnfinished
                ? .fillable(serial: snapshot.serial, resources: snapshot.resources.count)
                : .filled(snapshot.resources.count)
        }
    }

    /// The snapshot with its secrets opened.
    /// - Throws: OSR0402 where the key opens some of them, so that it is the right one; OSR0406 where it opens none.
    private func unsealed(_ db: Database, _ key: StateKey) throws -> StateSnapshot {
        do {
            return try SnapshotReader(path: path, key: key, unsealing: true).read(db)
        } catch let error as DiagnosticsError where error.diagnostics.first?.code == .stateKey {
            guard let sealer = try key.existing() else { throw error }
            let rows = try Row.fetchAll(db, sql: "SELECT address, sealed FROM changes WHERE sealed IS NOT NULL")
            let opens = rows.contains { row in
                guard let address = row.text(0), let sealed = row.blob(1) else { return false }
                return (try? RecordSealing.open(sealed, address: address, attributes: [:], sealer: sealer)) != nil
            }
            if opens { throw Fault.damaged(path, "sealed secrets in it were changed") }
            throw error
        }
    }

    /// The log goes last: while it is there without its database, the state counts as damaged (see `exists`). The shared
    /// memory holds nothing of its own, and goes between them.
    fileprivate func setAside(now: Date) throws(PrivateFile.Failure) -> String {
        let aside = unfinishedAside() ?? freeAside(now)
        for suffix in ["", "-shm", "-wal"] where access(path + suffix, F_OK) == 0 {
            guard rename(path + suffix, aside + suffix) == 0 else { throw PrivateFile.Failure(path + suffix) }
        }
        try PrivateFile.syncFolder(of: path)
        return aside
    }

    /// Where an earlier call that was killed moved the database, if its log is still here.
    private func unfinishedAside() -> String? {
        if access(path, F_OK) == 0 { return nil }
        let folder = (path as NSString).deletingLastPathComponent
        let name = (path as NSString).lastPathComponent + ".damaged-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
        let latest = names.filter { $0.hasPrefix(name) && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }.max()
        guard let latest, !names.contains(latest + "-wal") else { return nil }
        return folder.isEmpty ? latest : folder + "/" + latest
    }

    private func freeAside(_ now: Date) -> String {
        let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted)
        let base = "\(path).damaged-\(now.formatted(style))"
        var aside = base
        var number = 1
        while ["", "-shm", "-wal"].contains(where: { access(aside + $0, F_OK) == 0 }) {
            number += 1
            aside = "\(base).\(number)"
        }
        return aside
    }
}

extension StateSession {
    /// Gives an empty state the lineage of the objects it is filled with: digests of secrets are salted with it.
    /// - Throws: `DiagnosticsError`: OSR0412 if it has resources and another lineage, OSR0405, OSR0408.
    public func adopt(lineage: String) async throws {
        try await store.thread.run { [self] in
            do {
                try inTransaction { db, index in
                    if try String.fetchOne(db, sql: "SELECT lineage FROM meta") == lineage { return }
                    guard index.parents.isEmpty else { throw Fault.otherLineage(store.path) }
                    try db.execute(sql: "UPDATE meta SET lineage = ?", arguments: [lineage])
                }
            } catch {
                throw Fault.database(error, path: store.path, writing: true)
            }
        }
    }
}
