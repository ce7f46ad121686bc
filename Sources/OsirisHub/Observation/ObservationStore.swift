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
        /// Only rows of these, so that one which comes later stays hidden too; nil for all, also those of the hub itself.
        var namespaces: [String]?

        var condition: String {
            guard let namespaces else { return "1" }
            return "namespace IN (\(namespaces.map { _ in "?" }.joined(separator: ", ")))"
        }

        var arguments: StatementArguments { StatementArguments(namespaces ?? []) }
    }

    /// Closes the file; for an orderly end.
    func close() throws { try database.close() }
}
