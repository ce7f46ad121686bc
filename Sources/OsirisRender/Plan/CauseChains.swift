import OsirisModel
import OsirisPlanner

/// What set off what in a plan: from a manifest line to the last resource that changes because of it.
struct CauseChains {
    private let byAddress: [ResourceAddress: ResourceChange]
    private let followers: [ResourceAddress: [ResourceAddress]]

    init(_ plan: Plan) {
        byAddress = Dictionary(plan.changes.map { ($0.address, $0) }) { first, _ in first }
        var followers: [ResourceAddress: [ResourceAddress]] = [:]
        for change in plan.changes {
            if let origin = change.reason.origin { followers[origin, default: []].append(change.address) }
        }
        self.followers = followers
    }

    /// From the change that has a reason of its own to this one, both included.
    func chain(to change: ResourceChange) -> [ResourceChange] {
        var chain = [change]
        // No chain is longer than the plan; counted, so that a damaged plan cannot hold the renderer up.
        while chain.count <= byAddress.count, let origin = chain[0].reason.origin.flatMap({ byAddress[$0] }) {
            chain.insert(origin, at: 0)
        }
        return chain
    }

    /// All that changes because this one does, at whatever distance: nearest first, then by address.
    func consequences(of address: ResourceAddress) -> [ResourceAddress] {
        var reached = Set([address])
        var order: [ResourceAddress] = []
        var level = [address]
        while !level.isEmpty {
            level = level.flatMap { followers[$0] ?? [] }.filter { reached.insert($0).inserted }.sorted()
            order += level
        }
        return order
    }
}
