import Foundation
import GRDB

/// `usage.db`: usage, events, and alerts that are under way. Apart from the catalog, which is flushed with every change,
/// and from the logs, which forget sooner.
struct ObservationStore: Sendable {
    let database: DatabasePool

    /// Opens the file, creates it when absent and brings its tables up to date.
    /// - Throws: `DatabaseError`.
    static func open(path: String) async throws -> ObservationStore {
        try await BlockingWork.run { try ObservationStore(path: path) }
    }

    private init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // What was written survives the end of the hub; a power loss may take the last seconds.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        database = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        Self.registerUsage(&migrator)
        Self.registerEvents(&migrator)
        Self.registerAlerts(&migrator)
        try migrator.migrate(database)
    }

    /// Which rows of `usage` and `events` a caller may see.
    struct Scope: Sendable, Equatable {
        /// Only rows of this one; nil for all, also those of the hub itself.
        var namespace: String?
        /// Rows of these are passed over.
        var hidden: [String] = []

        var condition: String {
            let marks = hidden.map { _ in "?" }.joined(separator: ", ")
            return (namespace == nil ? "1" : "namespace = ?")
                + (hidden.isEmpty ? "" : " AND (namespace IS NULL OR namespace NOT IN (\(marks)))")
        }

        var arguments: StatementArguments {
            StatementArguments([namespace].compactMap(\.self)) + StatementArguments(hidden)
        }
    }

    /// Every namespace with usage or events.
    func namespaces() async throws -> [String] {
        try await database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT namespace FROM usage UNION SELECT namespace FROM events WHERE namespace IS NOT NULL
                    """)
        }
    }

    /// Closes the file; for an orderly end.
    func close() throws { try database.close() }
}
