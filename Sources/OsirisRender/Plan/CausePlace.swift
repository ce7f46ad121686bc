import OsirisModel
import OsirisPlanner

extension Plan {
    /// The changes, each at the place of what set it off: a resource that is replaced with what it lives on, or follows
    /// another, has its cause where that one changed, at whatever distance.
    var changesAtCause: [ResourceChange] {
        guard changes.contains(where: { $0.reason.origin != nil }) else { return changes }
        let byAddress = Dictionary(changes.map { ($0.address, $0) }) { first, _ in first }
        return changes.map { change in
            var cause = change
            // No chain is longer than the plan; counted, so that a damaged plan cannot hold the renderer up.
            for _ in changes.indices {
                guard let origin = cause.reason.origin.flatMap({ byAddress[$0] }) else { break }
                cause = origin
            }
            var placed = change
            placed.source = cause.source ?? change.source
            return placed
        }
    }
}

extension ActionReason {
    /// The resource whose change is the reason for this one.
    fileprivate var origin: ResourceAddress? {
        switch self {
        case .parentMade(let address, _, _), .follows(let address, _): address
        default: nil
        }
    }
}
