import OsirisProviderKit

/// Which state a line belongs to, and the number of the holder of its lock who made it.
struct StoreFence: Sendable, Equatable {
    var lineage: String
    var number: Int

    init?(lineage: String?, number: Int?) {
        guard let lineage, let number else { return nil }
        self.lineage = lineage
        self.number = number
    }

    /// Nil for an operation that is not fenced.
    init?(_ owner: Ownership) {
        guard owner.isFenced else { return nil }
        self.init(lineage: owner.lineage, number: owner.fencing)
    }
}
