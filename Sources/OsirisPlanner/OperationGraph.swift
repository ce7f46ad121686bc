import OsirisModel

/// Orders the operations of a set of changes. The rules:
/// 1. a create or update comes after the creates and updates of what it needs;
/// 2. a delete comes after the deletes of what needed the old object, and after the updates that let go of it;
/// 3. a replacement deletes first, then creates;
/// 4. what takes a value that only one object can have is created after the delete of what had it;
/// 5. what goes with its parent is not deleted by a call: a delete becomes a forget after the parent's delete;
/// 6. what is renamed gets its new name before all else, after what it lives on and needs and before that is deleted.
///
/// Where they contradict each other, an update lets go of the old object later, after it is gone.
struct OperationGraph {
    private let changes: [ResourceChange]
    private let oldParent: (ResourceAddress) -> ResourceAddress?
    private var operations: [PlannedOperation] = []
    private var indices: [ResourceAddress: Int] = [:]
    /// Operations that create or update.
    private var makes: [ResourceAddress: Int] = [:]
    /// Operations that delete or forget.
    private var removes: [ResourceAddress: Int] = [:]
    /// Operations that rename.
    private var moves: [ResourceAddress: Int] = [:]
    /// Rule 2: what a delete waits for. Given up where it would close a circle, the optional ones first.
    private var waits: [Int: [Int: Wait]] = [:]

    private enum Wait { case firm, optional }

    /// - Parameters:
    ///   - changes: without no-ops.
    ///   - oldParent: what the old object lives on, by address.
    ///   - recordedNeeds: what the old object needed, by address.
    ///   - goesWithParent: true if deleting the parent deletes the object.
    ///   - exclusive: the arguments of which only one object of its provider and type can have a value.
    static func build(
        _ changes: [ResourceChange], oldParent: @escaping (ResourceAddress) -> ResourceAddress?,
        recordedNeeds: (ResourceAddress) -> [ResourceAddress], goesWithParent: (ResourceChange) -> Bool,
        exclusive: (ResourceChange) -> [String] = { _ in [] }
    ) -> [PlannedOperation] {
        var graph = OperationGraph(changes, oldParent)
        graph.addOperations(goesWithParent)
        graph.orderMakes()
        graph.orderRemoves(recordedNeeds)
        graph.orderClaims(exclusive)
        graph.orderMoves(recordedNeeds)
        return graph.withoutCircles()
    }

    private init(_ changes: [ResourceChange], _ oldParent: @escaping (ResourceAddress) -> ResourceAddress?) {
        (self.changes, self.oldParent) = (changes, oldParent)
    }

    private mutating func addOperations(_ goesWithParent: (ResourceChange) -> Bool) {
        for (index, change) in changes.enumerated() { indices[change.address] = index }
        for (index, change) in changes.enumerated() {
            if change.moved != nil { moves[change.address] = append(index, .move) }
            let parentAction = oldParent(change.address).flatMap { indices[$0] }.map { changes[$0].action }
            // A parent that is made was gone: so is what lived on it.
            let parentGoes = parentAction == .delete || parentAction == .replace || parentAction == .create
            let gone = parentGoes && goesWithParent(change)
            switch change.action {
            case .noop, .move: break
            case .create: makes[change.address] = append(index, .create)
            case .update: makes[change.address] = append(index, .update)
            case .delete: removes[change.address] = append(index, gone ? .forget : .delete)
            case .replace:
                if !gone { removes[change.address] = append(index, .delete) }
                makes[change.address] = append(index, .create)
            }
        }
    }

    private mutating func append(_ change: Int, _ kind: PlannedOperation.Kind) -> Int {
        operations.append(PlannedOperation(change: change, kind: kind))
        return operations.count - 1
    }

    /// Rules 1, 3 and 4.
    private mutating func orderMakes() {
        for (index, operation) in operations.enumerated() {
            let change = changes[operation.change]
            var needs: [Int] = []
            switch operation.kind {
            case .create, .update:
                needs = Self.neededAddresses(change).compactMap { makes[$0] }
                if change.action == .replace, let remove = removal(of: change.address) { needs.append(remove) }
            case .forget:
                // A parent that is made anew and goes with its own parent has no operation that removes it.
                let parent = oldParent(change.address)
                if let remove = parent.flatMap({ removes[$0] ?? removal(of: $0) }) { needs.append(remove) }
            case .delete, .move: break
            }
            operations[index].needs = Set(needs).sorted()
        }
    }

    /// Rule 2, from the side of those who needed the old object.
    private mutating func orderRemoves(_ recordedNeeds: (ResourceAddress) -> [ResourceAddress]) {
        for change in changes where change.action != .create {
            for need in Set(recordedNeeds(change.address)) {
                guard let remove = removes[need], operations[remove].kind == .delete else { continue }
                if change.action != .update, let own = removal(of: change.address) {
                    // With the parent's delete, if it goes with its parent: that may be this very delete.
                    if own != remove { wait(remove, own, own == removes[change.address] ? .firm : .optional) }
                } else if let make = makes[change.address], changes[operations[remove].change].action == .delete {
                    wait(remove, make, .optional)
                }
            }
        }
    }

    /// Rule 4.
    private mutating func orderClaims(_ exclusive: (ResourceChange) -> [String]) {
        struct Claim: Hashable { var provider: String, type: Substring, name: String, value: Value }
        func claims(_ change: ResourceChange, _ attributes: Attributes) -> [Claim] {
            exclusive(change).compactMap { name in
                attributes[name].map {
                    Claim(provider: change.provider, type: change.address.type, name: name, value: $0)
                }
            }
        }
        var givenUp: [Claim: Int] = [:]
        for change in changes where change.action == .delete {
            guard let remove = removes[change.address], operations[remove].kind == .delete else { continue }
            for claim in claims(change, change.prior) { givenUp[claim] = remove }
        }
        if givenUp.isEmpty { return }
        for change in changes {
            guard let make = makes[change.address] else { continue }
            for claim in claims(change, change.arguments) { givenUp[claim].map { wait(make, $0, .optional) } }
        }
    }

    /// Rule 6. Nothing is done to what needs a resource while that is renamed: the state names it in both.
    private mutating func orderMoves(_ recordedNeeds: (ResourceAddress) -> [ResourceAddress]) {
        if moves.isEmpty { return }
        for (index, operation) in operations.enumerated() {
            let change = changes[operation.change]
            var needs = recordedNeeds(change.address).compactMap { moves[$0] }
            if operation.kind == .move {
                // What it lives on answers as it does from now on.
                if let parent = oldParent(change.address), let make = makes[parent], removes[parent] == nil {
                    wait(index, make, .optional)
                }
            } else {
                needs += (Self.neededAddresses(change) + [change.address]).compactMap { moves[$0] }
            }
            operations[index].needs = Set(operations[index].needs + needs).subtracting([index]).sorted()
        }
        for (address, move) in moves {
            for need in Set(recordedNeeds(address)) {
                if let remove = removal(of: need), remove != move { wait(remove, move, .firm) }
            }
        }
    }

    private mutating func wait(_ remove: Int, _ need: Int, _ wait: Wait) {
        if waits[remove]?[need] != .firm { waits[remove, default: [:]][need] = wait }
    }

    /// The delete after which the old object is no longer there: its own or that of what it lives on.
    private func removal(of address: ResourceAddress) -> Int? {
        var next: ResourceAddress? = address
        while let current = next {
            if let remove = removes[current], operations[remove].kind == .delete { return remove }
            next = indices[current] == nil ? nil : oldParent(current)
        }
        return nil
    }

    private mutating func withoutCircles() -> [PlannedOperation] {
        var needs = operations.map(\.needs)
        for (index, more) in waits { needs[index] = Set(needs[index] + more.keys).sorted() }
        var dropped: [(from: Int, to: Int)] = []
        while true {
            let cycle = topologicalOrder(needs).cycle
            if cycle.isEmpty { break }
            // The other edges alone make no circle, so one of these is on it.
            let edges = zip(cycle, cycle.dropFirst() + [cycle[0]]).filter { from, to in waits[from]?[to] != nil }
            let victim = edges.first { from, to in waits[from]?[to] == .optional } ?? edges.first
            guard let (from, to) = victim else { preconditionFailure("the rules contradict each other: \(cycle)") }
            waits[from]?[to] = nil
            needs[from].removeAll { $0 == to }
            dropped.append((from, to))
        }
        // One edge dropped later may have made the drop of an earlier one needless.
        for (from, to) in dropped.dropLast() {
            let without = needs[from]
            needs[from] = (without + [to]).sorted()
            if !topologicalOrder(needs).cycle.isEmpty { needs[from] = without }
        }
        for index in operations.indices { operations[index].needs = needs[index] }
        return operations
    }

    /// Everything a desired resource needs: parent, explicit dependencies, references.
    static func neededAddresses(_ change: ResourceChange) -> [ResourceAddress] {
        var needs = change.dependsOn
        if let parent = change.parent { needs.append(parent) }
        for value in change.arguments.values { value.forEachReference { needs.append($0.address) } }
        return needs
    }
}
