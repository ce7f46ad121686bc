import OsirisModel
import OsirisPlanner

/// Resources and what they live on or need: what `osiris graph` draws.
public struct ResourceGraph: Sendable {
    /// One resource.
    public struct Node: Sendable {
        public var address: ResourceAddress
        /// What it lives on.
        public var parent: ResourceAddress?
        /// What else it needs; may repeat the parent.
        public var dependsOn: [ResourceAddress]
        /// What the plan does to it, if there is a plan.
        public var action: Action

        /// A resource, by default one that nothing happens to.
        public init(
            address: ResourceAddress, parent: ResourceAddress? = nil, dependsOn: [ResourceAddress] = [],
            action: Action = .noop
        ) {
            self.address = address
            self.parent = parent
            self.dependsOn = dependsOn
            self.action = action
        }
    }

    public var nodes: [Node]

    /// Any nodes; edges to resources that are not among them are drawn all the same.
    public init(nodes: [Node]) { self.nodes = nodes }

    /// What a manifest wants, coloured by what a plan does to it.
    public init(_ desired: DesiredGraph, plan: Plan? = nil) {
        var actions: [ResourceAddress: Action] = [:]
        for change in plan?.changes ?? [] { actions[change.address] = change.action }
        nodes = desired.declarations.enumerated().map { index, declaration in
            Node(
                address: declaration.address, parent: declaration.parent,
                dependsOn: desired.dependencies[index].map { desired.declarations[$0].address },
                action: actions[declaration.address] ?? .noop)
        }
        for change in plan?.changes ?? [] where change.action == .delete {
            nodes.append(
                Node(
                    address: change.address, parent: change.parent, dependsOn: change.dependsOn, action: .delete))
        }
    }

    /// What the state remembers.
    public init(_ records: [ResourceRecord]) {
        nodes = records.map { Node(address: $0.address, parent: $0.parent, dependsOn: $0.dependsOn) }
    }
}
