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

    /// True if nothing lives on `address` but these.
    func hasNoChildren(_ address: ResourceAddress, besides known: [ResourceAddress]) -> Bool {
        Set(known).count { parents[$0] == .some(address) } == childCounts[address, default: 0]
    }

    /// All that lives on `address`, leaves first.
    func descendants(of address: ResourceAddress) -> [ResourceAddress] {
        // Looked for only where there are some: most deletes remove leaves.
        guard childCounts[address, default: 0] > 0 else { return [] }
        return parents.filter { $0.value == address }.keys.sorted().flatMap { descendants(of: $0) + [$0] }
    }
}
