import OsirisModel
import OsirisPlanner

/// Where the resources of a cluster stand, as it is drawn: targets, failure domains in them, machines in those, and what
/// is on each machine.
struct ResourceMap {
    struct Machine {
        var root: ResourceAddress
        /// Each after what it lives on.
        var resources: [ResourceAddress]
    }

    struct Domain {
        var name: String
        var machines: [Machine]
    }

    struct Target {
        var name: String
        var domains: [Domain]
    }

    let targets: [Target]

    init(_ nodes: [GraphNode]) {
        let parents = Dictionary(nodes.compactMap { node in node.parent.map { (node.address, $0) } }) { first, _ in
            first
        }
        var roots: [ResourceAddress: (root: ResourceAddress, depth: Int)] = [:]
        func root(_ address: ResourceAddress, _ steps: Int = 0) -> (root: ResourceAddress, depth: Int) {
            if let known = roots[address] { return known }
            // A damaged state may have a circle.
            guard steps < 64, let parent = parents[address] else { return (address, 0) }
            let below = root(parent, steps + 1)
            roots[address] = (below.root, below.depth + 1)
            return roots[address]!
        }
        var members: [ResourceAddress: [ResourceAddress]] = [:]
        var domains: [ResourceAddress: String] = [:]
        for node in nodes {
            let root = root(node.address).root
            members[root, default: []].append(node.address)
            if let domain = node.domain { domains[root] = domain }
        }
        let machines = members.map { root, resources in
            Machine(
                root: root, resources: resources.sorted { (roots[$0]?.depth ?? 0, $0) < (roots[$1]?.depth ?? 0, $1) })
        }
        targets = Dictionary(grouping: machines) { String($0.root.target) }.sorted { $0.key < $1.key }.map {
            name, machines in
            let byDomain = Dictionary(grouping: machines) { domains[$0.root] ?? name }
            return Target(
                name: name,
                domains: byDomain.sorted { $0.key < $1.key }.map { domain, machines in
                    Domain(name: domain, machines: machines.sorted { $0.root < $1.root })
                })
        }
    }
}
