import OsirisModel
import OsirisPlanner

extension Plan {
    /// The changes, each at the place of what set it off: a resource that is replaced with what it lives on, or follows
    /// another, has its cause where that one changed, at whatever distance.
    var changesAtCause: [ResourceChange] {
        guard changes.contains(where: { $0.reason.origin != nil }) else { return changes }
        let chains = CauseChains(self)
        return changes.map { change in
            var placed = change
            placed.source = chains.chain(to: change)[0].source ?? change.source
            return placed
        }
    }
}
