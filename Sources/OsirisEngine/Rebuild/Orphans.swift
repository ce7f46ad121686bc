import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// What carries the cluster's marks and is not in its state: left by a state that was lost or put back, or made by
/// another one. A plain value; nothing is asked and nothing written.
public struct Orphans: Sendable {
    public struct Orphan: Sendable {
        public var find: Rebuild.Find
        /// The manifest wants something of this address.
        public var isWanted: Bool
        /// Why it cannot be adopted, or nil.
        public var obstacle: String?

        public var address: ResourceAddress { find.resource.address }
    }

    /// By address, then by place.
    public let orphans: [Orphan]

    public init(_ finds: [Rebuild.Find], state: StateSnapshot, desired: DesiredGraph) {
        let wanted = Set(desired.declarations.map(\.address))
        // Recovery settles what an open create left.
        let open = Set(state.intents.map(\.address))
        let strangers = finds.filter { find in
            if open.contains(find.resource.address) { return false }
            guard let record = state.resources[find.resource.address] else { return true }
            // One object of an address is ours; a second one has another identity.
            guard let own = record.attributes["id"], let other = find.resource.attributes["id"] else { return false }
            return own != other
        }
        let known = Set(state.resources.keys).union(strangers.map(\.resource.address))
        let claims = Dictionary(grouping: strangers, by: \.resource.address).mapValues(\.count)
        orphans = strangers.map { find in
            let address = find.resource.address
            var obstacle: String?
            if state.resources[address] != nil {
                obstacle = "the state has another object of this address"
            } else if claims[address, default: 0] > 1 {
                obstacle = "several objects claim this address"
            } else if let parent = find.resource.parent, !known.contains(parent) {
                obstacle = "it lives on \(parent), which was not found"
            }
            return Orphan(find: find, isWanted: wanted.contains(address), obstacle: obstacle)
        }
        .sorted { ($0.address, $0.find.resource.place) < ($1.address, $1.find.resource.place) }
    }

    /// The records of those that match a pattern and have no obstacle, with all that lives on them, for a delete.
    /// - Parameter patterns: empty for all.
    /// - Returns: those of these lineages, and the others.
    public func deletable(
        matching patterns: [String], lineages: Set<String>
    ) -> (ours: [ResourceRecord], others: [Orphan]) {
        let globs = patterns.map { Glob($0.contains("/") ? $0 : $0 + "/*") }
        let free = orphans.filter { $0.obstacle == nil }
        var chosen = Set(
            free.map(\.address).filter { address in
                globs.isEmpty || globs.contains { $0.matches(address.text) }
            })
        while true {
            let more = free.filter {
                !chosen.contains($0.address) && $0.find.resource.parent.map(chosen.contains) ?? false
            }
            if more.isEmpty { break }
            chosen.formUnion(more.map(\.address))
        }
        let found = free.filter { chosen.contains($0.address) }
        // An object of an osiris that left no lineage is the cluster's.
        let isOurs = { (orphan: Orphan) in orphan.find.resource.lineage.map(lineages.contains) ?? true }
        return (found.filter(isOurs).map { RebuildDraft.record($0.find, nil) }, found.filter { !isOurs($0) })
    }

    /// The records of those that match a pattern and have no obstacle, with what they live on.
    public func records(matching patterns: [String], desired: DesiredGraph) -> [ResourceRecord] {
        let free = Dictionary(orphans.filter { $0.obstacle == nil }.map { ($0.address, $0) }) { first, _ in first }
        let globs = patterns.map { Glob($0.contains("/") ? $0 : $0 + "/*") }
        var chosen = Set<ResourceAddress>()
        for address in free.keys where globs.contains(where: { $0.matches(address.text) }) {
            var next: ResourceAddress? = address
            while let address = next, let orphan = free[address], chosen.insert(address).inserted {
                next = orphan.find.resource.parent
            }
        }
        let declarations = Dictionary(uniqueKeysWithValues: desired.declarations.map { ($0.address, $0) })
        return chosen.sorted().map { RebuildDraft.record(free[$0]!.find, declarations[$0]) }
    }
}
