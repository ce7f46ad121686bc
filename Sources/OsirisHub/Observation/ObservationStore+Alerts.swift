import GRDB

extension ObservationStore {
    static func registerAlerts(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("1 alerts") { database in
            try database.create(table: "incidents") { table in
                table.primaryKey("id", .text)
                table.column("incident", .text).notNull()
            }
            try database.create(table: "messages") { table in
                table.autoIncrementedPrimaryKey("id")
                table.column("incident", .text).notNull()
                table.column("url", .text).notNull()
                table.column("body", .text).notNull()
                table.column("created", .double).notNull()
                table.column("attempts", .integer).notNull()
                table.column("next", .double).notNull()
            }
        }
    }

    /// Incidents that have not ended.
    func openIncidents() async throws -> [Incidents.Incident] {
        try await database.read { database in
            try String.fetchAll(database, sql: "SELECT incident FROM incidents ORDER BY id").compactMap {
                try? HubJSON.decode(Incidents.Incident.self, Array($0.utf8))
            }
        }
    }

    /// Keeps an incident that began, or forgets one that ended, with what is to be told of it: both or nothing.
    /// - Returns: the messages with their ids.
    func note(_ incident: Incidents.Incident, _ messages: [AlertMessage]) async throws -> [AlertMessage] {
        let text = String(decoding: try HubJSON.encode(incident), as: UTF8.self)
        return try await database.write { database in
            if incident.ended == nil {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO incidents (id, incident) VALUES (?, ?)",
                    arguments: [incident.id, text])
            } else {
                try database.execute(sql: "DELETE FROM incidents WHERE id = ?", arguments: [incident.id])
            }
            return try messages.map { message in
                try database.execute(
                    sql: """
                        INSERT INTO messages (incident, url, body, created, attempts, next) VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        message.incident, message.url, message.body, message.created, message.attempts, message.next,
                    ])
                var stored = message
                stored.id = Int(database.lastInsertedRowID)
                return stored
            }
        }
    }

    /// Every message that waits, in order.
    func messages() async throws -> [AlertMessage] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM messages ORDER BY id").map { row in
                AlertMessage(
                    id: row["id"], incident: row["incident"], url: row["url"], body: row["body"],
                    created: row["created"], attempts: row["attempts"], next: row["next"])
            }
        }
    }

    /// Notes when a message is tried again.
    func postpone(_ message: AlertMessage) async throws {
        try await database.write { database in
            try database.execute(
                sql: "UPDATE messages SET attempts = ?, next = ? WHERE id = ?",
                arguments: [message.attempts, message.next, message.id])
        }
    }

    /// Forgets a message that arrived, or never will.
    func remove(_ message: AlertMessage) async throws {
        try await database.write { try $0.execute(sql: "DELETE FROM messages WHERE id = ?", arguments: [message.id]) }
    }
}
