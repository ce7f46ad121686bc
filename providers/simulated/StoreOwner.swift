import OsirisProviderKit

/// The mark of a line: whose the object is, and which holder of its state's lock made the line.
struct StoreOwner: Sendable, Hashable {
    /// Nil in a `fence` line, which is about no object.
    var cluster: String?
    /// Of the state.
    var lineage: String
    /// Number of the lock.
    var fence: Int

    init(cluster: String? = nil, lineage: String, fence: Int) {
        self.cluster = cluster
        self.lineage = lineage
        self.fence = fence
    }

    /// Nil for a request that no holder of a lock makes.
    init?(_ request: OperationRequest) {
        guard request.owner.isFenced else { return nil }
        self.init(cluster: request.cluster.name, lineage: request.owner.lineage, fence: request.owner.fencing)
    }
}
