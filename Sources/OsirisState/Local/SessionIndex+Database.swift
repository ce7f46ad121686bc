import GRDB
import OsirisModel

extension SessionIndex {
    /// Reads it from the database.
    init(_ db: Database, path: String) throws {
        serial = max(try Int.fetchOne(db, sql: "SELECT serial FROM meta") ?? 0, try Self.lastSerial(db))
        nextChange = (try Int64.fetchOne(db, sql: "SELECT max(seq) FROM changes") ?? 0) + 1
        var seen = Set<String>()
        let sql = "SELECT event, address, parent, attributes IS NOT NULL FROM changes ORDER BY seq DESC"
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() {
            let hasBody = row.currentInt(3) == 1
            if hasBody { bodies += 1 }
            guard let kind = row.currentText(0).flatMap(EventRecord.Kind.init) else {
                throw Fault.damaged(path, "an event has a kind that does not exist")
            }
            guard !kind.isRemark, let text = row.currentText(1), seen.insert(text).inserted, !kind.removes else {
                continue
            }
            guard hasBody, let address = ResourceAddress(text) else {
                throw Fault.damaged(path, "the record of a resource is incomplete")
            }
            insert(address, parent: row.currentText(2).flatMap(ResourceAddress.init))
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, token, address, action FROM intents") {
            guard let id = row.int(0), let token = row.text(1), let address = row.text(2).flatMap(ResourceAddress.init),
                let action = row.text(3).flatMap(Intent.Action.init)
            else { throw Fault.damaged(path, "an intent is incomplete") }
            intents[token] = OpenIntent(row: Int64(id), address: address, action: action)
            nextIntent = max(nextIntent, Int64(id) + 1)
        }
    }

    static func lastSerial(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT serial FROM changes ORDER BY seq DESC LIMIT 1") ?? 0
    }
}
