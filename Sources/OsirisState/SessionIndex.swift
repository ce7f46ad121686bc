import GRDB
import OsirisModel

/// What a writer must know about the state without reading it again for each operation: a few words per resource.
struct SessionIndex: Sendable {
    struct OpenIntent: Sendable {
        var row: Int64
        var address: ResourceAddress
        var action: Intent.Action
    }

    /// Parent of every recorded resource.
    private(set) var parents: [ResourceAddress: ResourceAddress?] = [:]
    private var childCounts: [ResourceAddress: Int] = [:]
    var intents: [String: OpenIntent] = [:]
    var serial = 0
    var nextChange: Int64 = 1
    var nextIntent: Int64 = 1
    /// Rows of `changes` that hold a record, including those a newer row supersedes.
    var bodies = 0
    /// True once this session removed a resource.
    var hasRemoved = false

    /// Of an empty state.
    init() {}

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

    /// Superseded records are worth clearing away only when they outweigh the live ones, so that clearing, which touches
    /// old pages, costs a small constant for each operation.
    var compactionIsDue: Bool { bodies - parents.count > 2 * parents.count + 1000 }

    func contains(_ address: ResourceAddress) -> Bool { parents[address] != nil }

    mutating func insert(_ address: ResourceAddress, parent: ResourceAddress?) {
        remove(address)
        parents[address] = .some(parent)
        if let parent { childCounts[parent, default: 0] += 1 }
    }

    mutating func remove(_ address: ResourceAddress) {
        guard let parent = parents.removeValue(forKey: address) ?? nil else { return }
        childCounts[parent, default: 1] -= 1
    }

    /// All that lives on `address`, leaves first.
    func descendants(of address: ResourceAddress) -> [ResourceAddress] {
        // Looked for only where there are some: most deletes remove leaves.
        guard childCounts[address, default: 0] > 0 else { return [] }
        return parents.filter { $0.value == address }.keys.sorted().flatMap { descendants(of: $0) + [$0] }
    }
}
