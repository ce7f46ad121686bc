import OsirisModel

/// Orders the operations of a set of changes. The rules:
/// 1. a create or update comes after the creates and updates of what it needs;
/// 2. a delete comes after the deletes of what needed the old object, and after the updates that let go of it;
/// 3. a replacement deletes first, then creates;
/// 4. what goes with its parent is not deleted by a call: a delete becomes a forget after the parent's delete.
enum OperationGraph {
    /// - Parameters:
    ///   - changes: without no-ops.
    ///   - recordedNeeds: what the old object needed, by address.
    ///   - goesWithParent: true if deleting the parent deletes the object.
    static func build(
        _ changes: [ResourceChange], recordedNeeds: (ResourceAddress) -> [ResourceAddress],
        goesWithParent: (ResourceChange) -> Bool
    ) -> [PlannedOperation] {
        var operations: [PlannedOperation] = []
        var makes: [ResourceAddress: Int] = [:]  // create or update
        var removes: [ResourceAddress: Int] = [:]  // delete or forget
        let removed = Dictionary(
            uniqueKeysWithValues: changes.filter { $0.action == .delete || $0.action == .replace }
                .map { ($0.address, $0.action) })
        for (index, change) in changes.enumerated() {
            let gone = goesWithParent(change) && change.parent.map { removed[$0] != nil } == true
            switch change.action {
            case .noop: break
            case .create: makes[change.address] = operations.append(index, .create)
            case .update: makes[change.address] = operations.append(index, .update)
            case .delete: removes[change.address] = operations.append(index, gone ? .forget : .delete)
            case .replace:
                if !gone { removes[change.address] = operations.append(index, .delete) }
                makes[change.address] = operations.append(index, .create)
            }
        }
        for (index, operation) in operations.enumerated() {
            let change = changes[operation.change]
            switch operation.kind {
            case .create, .update:
                for need in neededAddresses(change) {
                    if let make = makes[need] { operations[index].needs.append(make) }
                }
                if operation.kind == .create, let remove = removes[change.address] {
                    operations[index].needs.append(remove)
                }
            case .forget:
                if let parent = change.parent, let remove = removes[parent] { operations[index].needs.append(remove) }
            case .delete: break
            }
        }
        // Rule 2, from the side of those who needed the old object.
        for (dependant, change) in changes.enumerated() {
            for need in recordedNeeds(change.address) {
                guard let remove = removes[need], operations[remove].kind == .delete else { continue }
                if let own = removes[change.address] {
                    if operations[own].kind == .delete { operations[remove].needs.append(own) }
                } else if let make = makes[change.address], changes[operations[remove].change].action == .delete,
                    changes[dependant].action == .update
                {
                    operations[remove].needs.append(make)
                }
            }
        }
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

extension [PlannedOperation] {
    fileprivate mutating func append(_ change: Int, _ kind: PlannedOperation.Kind) -> Int {
        append(PlannedOperation(change: change, kind: kind))
        return count - 1
    }
}
