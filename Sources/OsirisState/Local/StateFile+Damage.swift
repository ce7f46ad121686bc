import Foundation
import GRDB
import OsirisDiagnostics

extension StateFile {
    /// - Throws: `DiagnosticsError`; OSR0402 for a file that cannot be used.
    private func usableCondition(of cluster: String, key: StateKey) throws -> StateCondition {
        try withDatabase(writing: false) { db in
            let faults = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
            if faults != ["ok"] { throw Fault.damaged(path, faults.first ?? "it cannot be checked") }
            let stored = try SnapshotReader(path: path).read(db)
            try stored.check(cluster: cluster, key: key, location: path)
            return stored.condition(after: try HistoryTable.applies(db, limit: 1).first)
        }
    }

    func condition(of cluster: String, key: StateKey) throws -> StateCondition {
        guard exists else { return .missing }
        do { return try usableCondition(of: cluster, key: key) } catch let error as DiagnosticsError {
            guard let fault = error.diagnostics.first, fault.code == .stateDamaged else { throw error }
            return .damaged(fault.message)
        }
    }

    /// Moves a damaged database to `PATH.damaged-TIME` with its log beside it.
    ///
    /// Until the last file is moved the state still counts as damaged, and the next call moves the rest to the same name.
    /// What SQLite can still take out of a log it has put into the database before.
    func setDamagedAside(of cluster: String, key: StateKey, now: Date) throws -> String? {
        guard exists else { return nil }
        do {
            return try PrivateFile.whileFolderIsLocked(of: path) {
                try condition(of: cluster, key: key).isDamaged ? setAside(now: now) : nil
            }
        } catch let failure as PrivateFile.Failure {
            throw Fault.write(path, failure.description)
        }
    }

    /// The log goes last: while it is there without its database, the state counts as damaged (see `exists`). The shared
    /// memory holds nothing of its own, and goes between them.
    private func setAside(now: Date) throws(PrivateFile.Failure) -> String {
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
