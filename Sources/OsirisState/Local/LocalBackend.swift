import Foundation
import GRDB
import OsirisModel

/// A state in an SQLite database on this machine. All file work is done on a thread of its own.
struct LocalBackend: StateBackend {
    let file: StateFile
    let thread = BlockingThread("osiris.state")

    init(path: String) { file = StateFile(path: path) }

    var location: String { file.path }

    func load() async throws -> StoredState? { try await reading { try SnapshotReader(path: file.path).read($0) } }

    func begin(
        _ run: RunDescription, as identity: ProcessIdentity, lineage: String, now: Date
    ) async throws -> any BackendSession {
        try await thread.run {
            try checkArrival()
            try file.create(lineage: lineage, cluster: run.cluster)
            return try LocalSession(run, as: identity, in: file, on: thread, now: now)
        }
    }

    func lockHolder() async throws -> LockHolder? { try await reading(LockTable.holder) ?? nil }

    func breakLock(id: Int) async throws -> Bool {
        try await thread.run {
            guard file.exists else { return false }
            return try file.withDatabase(writing: true) { db in
                var released = false
                try db.inTransaction(.immediate) {
                    released = try LockTable.release(db, fencing: id)
                    return .commit
                }
                return released
            }
        }
    }

    func applies(limit: Int) async throws -> [ApplyRecord] {
        try await reading { try HistoryTable.applies($0, limit: limit) } ?? []
    }

    func events(ofApply id: Int) async throws -> [EventRecord] {
        try await reading { try HistoryTable.events($0, apply: id) } ?? []
    }

    func condition(of cluster: String, key: StateKey) async throws -> StateCondition {
        try await thread.run { try file.condition(of: cluster, key: key) }
    }

    func setDamagedAside(of cluster: String, key: StateKey, now: Date) async throws -> String? {
        try await thread.run { try file.setDamagedAside(of: cluster, key: key, now: now) }
    }

    /// Runs `body` in one read transaction; nil without a database.
    private func reading<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result? {
        try await thread.run {
            try checkArrival()
            guard file.exists else { return nil }
            return try file.withDatabase(writing: false) { db in
                var result: Result?
                try db.inTransaction(.deferred) {
                    try MoveTable.check(db, path: file.path)
                    result = try body(db)
                    return .commit
                }
                return result
            }
        }
    }
}
