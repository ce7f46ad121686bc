import GRDB

extension ObservationStore {
    static func registerEvents(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("1 events") { database in
            try database.create(table: "events") { table in
                // AUTOINCREMENT: a number is not given again, also when the newest row is gone.
                table.autoIncrementedPrimaryKey("id")
                table.column("time", .double).notNull()
                table.column("kind", .text).notNull()
                table.column("namespace", .text)
                table.column("name", .text)
                table.column("version", .integer)
                table.column("instance", .text)
                table.column("message", .text)
            }
        }
    }

    /// Adds events in their order.
    /// - Parameter kept: most that stay.
    func add(_ events: [HubEvent], keeping kept: Int) async throws {
        try await database.write { database in
            for event in events {
                try database.execute(
                    sql: """
                        INSERT INTO events (time, kind, namespace, name, version, instance, message)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        event.time, event.kind.rawValue, event.namespace, event.name, event.version, event.instance,
                        event.message,
                    ])
            }
            try database.execute(
                sql: "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", arguments: [kept])
        }
    }

    func events(after id: Int, in scope: Scope, count: Int) async throws -> [HubEvent] {
        try await events("id > ?", [id], scope, order: "ASC", count)
    }

    /// The newest, oldest first.
    func newestEvents(_ count: Int, in scope: Scope) async throws -> [HubEvent] {
        try await events("1", [], scope, order: "DESC", count).reversed()
    }

    private func events(
        _ condition: String, _ arguments: [Int], _ scope: Scope, order: String, _ count: Int
    ) async throws -> [HubEvent] {
        try await database.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM events WHERE \(condition) AND \(scope.condition) ORDER BY id \(order) LIMIT ?
                    """,
                arguments: StatementArguments(arguments) + scope.arguments + [count])
            return rows.compactMap { row in
                // A kind of a later hub is passed over.
                guard let kind = HubEvent.Kind(rawValue: row["kind"]) else { return nil }
                var event = HubEvent(kind, time: row["time"])
                event.id = row["id"]
                event.namespace = row["namespace"]
                event.name = row["name"]
                event.version = row["version"]
                event.instance = row["instance"]
                event.message = row["message"]
                return event
            }
        }
    }
}
