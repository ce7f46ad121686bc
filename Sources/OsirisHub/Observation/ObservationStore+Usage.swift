import GRDB

extension ObservationStore {
    /// How long usage is kept, seconds.
    static let usageKept = 400 * 86_400.0

    static func registerUsage(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("1 usage") { database in
            try database.create(table: "usage") { table in
                table.column("hour", .integer).notNull()
                table.column("namespace", .text).notNull()
                table.column("name", .text).notNull()
                table.column("caller", .text).notNull()
                table.column("calls", .integer).notNull()
                table.column("errors", .integer).notNull()
                table.column("seconds", .double).notNull()
                table.column("bytesIn", .integer).notNull()
                table.column("bytesOut", .integer).notNull()
                table.primaryKey(["hour", "namespace", "name", "caller"])
            }
        }
    }

    /// Adds to what is there, and forgets what is too old.
    /// - Parameter now: seconds since 1970.
    func add(_ sums: [UsageCount.Key: UsageCount.Sum], now: Double) async throws {
        try await database.write { database in
            for (key, sum) in sums {
                try database.execute(
                    sql: """
                        INSERT INTO usage (hour, namespace, name, caller, calls, errors, seconds, bytesIn, bytesOut)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT (hour, namespace, name, caller) DO UPDATE SET
                          calls = calls + excluded.calls, errors = errors + excluded.errors,
                          seconds = seconds + excluded.seconds, bytesIn = bytesIn + excluded.bytesIn,
                          bytesOut = bytesOut + excluded.bytesOut
                        """,
                    arguments: [
                        key.hour, key.function.namespace, key.function.name, key.caller, sum.calls, sum.errors,
                        sum.seconds, sum.bytesIn, sum.bytesOut,
                    ])
            }
            try database.execute(sql: "DELETE FROM usage WHERE hour < ?", arguments: [Int(now - Self.usageKept)])
        }
    }

    /// Sums up hours that begin in a time.
    /// - Parameters:
    ///   - from: seconds since 1970, as is `to`, which is not among them.
    func usage(
        from: Double, to: Double, in scope: Scope, by grouping: UsageGrouping
    ) async throws -> [UsageRow] {
        let columns = [
            UsageGrouping.function: "namespace, name", .caller: "caller", .hour: "hour",
        ][grouping, default: "hour"]
        return try await database.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT \(columns), sum(calls) AS calls, sum(errors) AS errors, sum(seconds) AS seconds,
                      sum(bytesIn) AS bytesIn, sum(bytesOut) AS bytesOut
                    FROM usage WHERE hour >= ? AND hour < ? AND \(scope.condition)
                    GROUP BY \(columns) ORDER BY \(columns)
                    """,
                arguments: StatementArguments([from, to]) + scope.arguments)
            return rows.map { row in
                func known<T: DatabaseValueConvertible>(_ column: String) -> T? {
                    row.hasColumn(column) ? row[column] : nil
                }
                return UsageRow(
                    hour: known("hour"), namespace: known("namespace"), name: known("name"), caller: known("caller"),
                    calls: row["calls"], errors: row["errors"], seconds: row["seconds"], bytesIn: row["bytesIn"],
                    bytesOut: row["bytesOut"])
            }
        }
    }
}
