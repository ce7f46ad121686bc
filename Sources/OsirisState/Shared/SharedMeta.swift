import OsirisModel

/// The identity of a shared state, written once when it is made, and changed only by a migration to this place.
struct SharedMeta: Sendable, Hashable {
    var lineage: String
    var cluster: String
    /// A migration to this place is not finished: until then this is no state.
    var isArriving: Bool

    init(lineage: String, cluster: String, isArriving: Bool = false) {
        self.lineage = lineage
        self.cluster = cluster
        self.isArriving = isArriving
    }

    func json() -> [UInt8] {
        var map: [String: Value] = [
            "formatVersion": .int(LogFormat.version), "lineage": .string(lineage), "cluster": .string(cluster),
        ]
        if isArriving { map["arriving"] = true }
        return Value.map(map).json()
    }

    init(_ bytes: [UInt8]) throws(StoredFault) {
        let fields = try StoredFields(document: bytes)
        lineage = try fields.text("lineage")
        cluster = try fields.text("cluster")
        isArriving = fields.has("arriving")
    }
}
