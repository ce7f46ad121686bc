import OsirisModel

/// What everything stands on in the end: the root of its chain of parents, such as a machine.
struct Roots {
    private let parents: [ResourceAddress: ResourceAddress]

    /// What is wanted says it before what is recorded.
    init(recorded: [ResourceAddress: ResourceRecord], desired: DesiredGraph) {
        var parents = recorded.compactMapValues(\.parent)
        for declaration in desired.declarations { parents[declaration.address] = declaration.parent }
        self.parents = parents
    }

    subscript(address: ResourceAddress) -> ResourceAddress {
        var root = address
        var steps = 0
        // A damaged state may have a circle.
        while let parent = parents[root], steps < 64 { (root, steps) = (parent, steps + 1) }
        return root
    }
}
