import OsirisModel

/// The identity of a shared state, written once when it is made, and changed only by a migration to this place.
struct SharedMeta: Sendable, Hashable {
    var lineage: String
    var cluster: String
    /// The place a migration copies from, while it is not finished: until then this is no state.
    var arriving: String?

    init(lineage: String, cluster: String, arriving: String? = nil) {
        self.lineage = lineage
        self.cluster = cluster
        self.arriving = arriving
    }

    func json() -> [UInt8] {
        var map: [String: Value] = [
            "formatVersion": .int(LogFormat.version), "lineage": .string(lineage), "cluster": .string(cluster),
        ]
        map.put("arriving", arriving.map(Value.string))
        return Value.map(map).json()
    }

    init(_ bytes: [UInt8]) throws(StoredFault) {
        let fields = try StoredFields(document: bytes)
        lineage = try fields.text("lineage")
        cluster = try fields.text("cluster")
        arriving = try fields.optionalText("arriving")
    }
}
