import OsirisModel
import OsirisProviderKit

/// Finds the machines of a plan's rollout and their order.
///
/// A machine comes after those whose operations its own need, directly or through operations of no machine. Else serving machines come before broken ones, those of one failure domain together, by address.
struct RolloutOrder {
    private let request: PlanRequest
    private let changes: [ResourceChange]
    private let operations: [PlannedOperation]
    private let roots: Roots
    private let outage: (ResourceChange) -> ResourceType.Outage

    /// - Parameter outage: what changes of a resource's type may take.
    init(
        _ request: PlanRequest, _ changes: [ResourceChange], _ operations: [PlannedOperation], _ roots: Roots,
        outage: @escaping (ResourceChange) -> ResourceType.Outage = { _ in .init() }
    ) {
        (self.request, self.changes, self.operations, self.roots) = (request, changes, operations, roots)
        self.outage = outage
    }

    /// Nil if no machine that serves is changed.
    func rollout() -> PlannedRollout? {
        var hubs: [ResourceAddress: [ResourceAddress]] = [:]
        for address in request.recorded.keys where address.type == HubResource.type.name {
            hubs[roots[address], default: []].append(address)
        }
        var changed = Set<ResourceAddress>()
        for change in changes where change.action == .update || change.action == .replace {
            let root = roots[change.address]
            if hubs[root] != nil { changed.insert(root) }
        }
        if changed.isEmpty { return nil }
        var turns: [ResourceAddress: [Int]] = [:]
        for (index, operation) in operations.enumerated() {
            let root = roots[changes[operation.change].address]
            if changed.contains(root) { turns[root, default: []].append(index) }
        }
        let broken = Set(hubs.filter { root, hubs in !serves(root, hubs) }.keys)
        let machines = changed.sorted().map { root in
            PlannedRollout.Machine(
                root: root, domain: domain(root, hubs[root] ?? []), isBroken: broken.contains(root),
                operations: turns[root] ?? [], outageMilliseconds: outageMilliseconds(turns[root] ?? []))
        }
        let byTarget = Dictionary(grouping: hubs.keys, by: \.target)
        let targets = Set(machines.map(\.root.target)).sorted().map { name in
            let all = byTarget[name] ?? []
            return PlannedRollout.Target(
                name: String(name), machines: all.count,
                limit: request.cluster.rollout.maxUnavailable.limit(of: all.count),
                broken: all.count(where: broken.contains))
        }
        return PlannedRollout(
            spec: request.cluster.rollout,
            machines: ordered(machines.filter { !$0.isBroken } + machines.filter(\.isBroken)), targets: targets)
    }

    /// The longest that the changes of one turn may take together, were they one after the other; nil if unknown for one.
    private func outageMilliseconds(_ turn: [Int]) -> Int? {
        var total = Duration.zero
        for index in Set(turn.map { operations[$0].change }) {
            let change = changes[index]
            let longest: Duration?
            switch change.action {
            case .update:
                let outage = outage(change)
                let interrupts = outage.interruptedBy.map { names in
                    change.attributes.contains { attribute in names.contains(attribute.path) }
                }
                longest = interrupts ?? true ? outage.update : .zero
            case .replace: longest = outage(change).replacement
            // What is added has not answered before, and what is deleted is not meant to.
            case .create, .delete, .noop, .move: continue
            }
            guard let longest else { return nil }
            total += longest
        }
        return Int(total / .milliseconds(1))
    }

    /// False for one that cannot take its changes, or whose hub is not there, not running or not to be read.
    private func serves(_ root: ResourceAddress, _ hubs: [ResourceAddress]) -> Bool {
        if request.setAside.contains(where: { $0.root == root && !$0.isWanted }) { return false }
        return hubs.allSatisfy { hub in
            switch request.actual[hub] {
            case .present(let attributes): (attributes["status"]?.stringValue ?? "running") == "running"
            case .absent, .unreadable: false
            case nil: true
            }
        }
    }

    private func domain(_ root: ResourceAddress, _ hubs: [ResourceAddress]) -> String {
        hubs.lazy.compactMap { request.desired.domains[$0] }.first ?? String(root.target)
    }

    /// Kahn's algorithm over machines and the operations that belong to none.
    private func ordered(_ machines: [PlannedRollout.Machine]) -> [PlannedRollout.Machine] {
        var nodes = Array(operations.indices.map { machines.count + $0 })
        for (index, machine) in machines.enumerated() {
            for operation in machine.operations { nodes[operation] = index }
        }
        var missing = [Int](repeating: 0, count: machines.count + operations.count)
        var dependants = [[Int]](repeating: [], count: missing.count)
        for (index, operation) in operations.enumerated() {
            for need in operation.needs where nodes[need] != nodes[index] {
                dependants[nodes[need]].append(nodes[index])
                missing[nodes[index]] += 1
            }
        }
        var free = operations.indices.filter { nodes[$0] >= machines.count && missing[nodes[$0]] == 0 }.map {
            nodes[$0]
        }
        var line = DomainLine()
        for index in machines.indices where missing[index] == 0 { line.add(index, machines[index].domain) }
        var order: [Int] = []
        var needed = [Set<Int>](repeating: [], count: missing.count)
        while let node = free.popLast() ?? line.next() {
            if node < machines.count { order.append(node) }
            for dependant in dependants[node] {
                if node < machines.count {
                    needed[dependant].insert(node)
                } else {
                    needed[dependant].formUnion(needed[node])
                }
                missing[dependant] -= 1
                if missing[dependant] > 0 { continue }
                if dependant < machines.count {
                    line.add(dependant, machines[dependant].domain)
                } else {
                    free.append(dependant)
                }
            }
        }
        // Whoever is left needs, at whatever distance, one that needs it: they can only go together.
        let placed = order.count
        let isPlaced = Set(order)
        order += machines.indices.filter { !isPlaced.contains($0) }
        var positions = [Int](repeating: 0, count: machines.count)
        for (position, index) in order.enumerated() { positions[index] = position }
        return order.enumerated().map { position, index in
            var machine = machines[index]
            machine.goesWithPrevious = position > placed
            machine.needs = needed[index].map { positions[$0] }.sorted()
            return machine
        }
    }
}

/// Machines that may go next: first the rest of the domain that is at work, then the domain that came first.
private struct DomainLine {
    private var waiting: [String: ArraySlice<Int>] = [:]
    private var domains: [String] = []
    private var current: String?

    mutating func add(_ machine: Int, _ domain: String) {
        if waiting[domain] == nil { domains.append(domain) }
        waiting[domain, default: []].append(machine)
    }

    mutating func next() -> Int? {
        if let current, let machine = waiting[current]?.popFirst() { return machine }
        current = domains.first { waiting[$0]?.isEmpty == false }
        return current.flatMap { waiting[$0]?.popFirst() }
    }
}
