import OsirisModel
import OsirisPlanner

/// One resource of a graph, and what it lives on or needs.
public struct GraphNode: Sendable {
    public var address: ResourceAddress
    /// What it lives on.
    public var parent: ResourceAddress?
    /// All that comes before it; may repeat the parent.
    public var needs: [ResourceAddress]
    /// What the plan does to it, if there is a plan.
    public var action: Action
    /// The failure domain of the machine whose hub this is, such as a rack; nil for any other resource.
    public var domain: String?

    /// A resource, by default one that nothing happens to.
    public init(
        address: ResourceAddress, parent: ResourceAddress? = nil, needs: [ResourceAddress] = [], action: Action = .noop,
        domain: String? = nil
    ) {
        self.address = address
        self.parent = parent
        self.needs = needs
        self.action = action
        self.domain = domain
    }

    /// What the state remembers about a resource.
    public init(_ record: ResourceRecord) {
        self.init(address: record.address, parent: record.parent, needs: record.dependsOn)
    }

    /// What a manifest wants, with what a plan does to it; what else the plan has, such as deletes, comes last.
    public static func nodes(of desired: DesiredGraph, plan: Plan? = nil) -> [GraphNode] {
        var actions: [ResourceAddress: Action] = [:]
        for change in plan?.changes ?? [] { actions[change.address] = change.action }
        var nodes = desired.declarations.enumerated().map { index, declaration in
            GraphNode(
                address: declaration.address, parent: declaration.parent,
                needs: desired.dependencies[index].map { desired.declarations[$0].address },
                action: actions[declaration.address] ?? .noop, domain: desired.domains[declaration.address])
        }
        let wanted = Set(nodes.map(\.address))
        for change in plan?.changes ?? [] where !wanted.contains(change.address) {
            nodes.append(
                GraphNode(
                    address: change.address, parent: change.parent, needs: change.dependsOn, action: change.action))
        }
        return nodes
    }
}
