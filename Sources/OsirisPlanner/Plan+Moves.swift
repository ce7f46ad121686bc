import OsirisDiagnostics
import OsirisModel

extension Plan {
    /// The same plan with nothing but its renames.
    /// - Throws: a `Diagnostic`: OSR0307 if it has none, OSR0315 if something that is renamed could not stay the object it
    ///   is.
    public func movesAlone() throws -> Plan {
        let lost = changes.first {
            guard $0.moved != nil, $0.action == .replace else { return false }
            return $0.attributes.contains(where: \.forcesReplacement)
        }
        if let lost {
            let names = lost.attributes.filter(\.forcesReplacement).map { "`\($0.path)`" }.joined(separator: ", ")
            throw Diagnostic(
                .movedTaken,
                "`\(lost.recordedAddress)` cannot become `\(lost.address)`: \(names) of it cannot change",
                address: lost.recordedAddress.text,
                help: "there is nothing to rename: the next apply deletes the one and makes the other")
        }
        let renamed = changes.first { change in
            change.moved != nil && change.address.type == "function"
                && change.address.identity != change.recordedAddress.identity
        }
        if let renamed {
            throw Diagnostic(
                .movedTaken,
                "`\(renamed.recordedAddress)` cannot become `\(renamed.address)`: its hub knows a function "
                    + "by its name", address: renamed.recordedAddress.text,
                help: "there is nothing to rename: the next apply deletes the one and makes the other")
        }
        var plan = self
        var indices: [Int: Int] = [:]
        for (index, operation) in operations.enumerated() where operation.kind == .move {
            indices[index] = indices.count
        }
        guard !indices.isEmpty else {
            throw Diagnostic(
                .noMatch, "the state has nothing of that name that could be renamed",
                help: "`osiris state list` shows the names in the state")
        }
        let moved = changes.indices.filter { changes[$0].moved != nil }
        plan.changes = moved.map { index in
            var change = changes[index]
            change.reason = .moved(change.recordedAddress)
            (change.action, change.attributes) = (.move, [])
            return change
        }
        let positions = Dictionary(uniqueKeysWithValues: moved.enumerated().map { ($0.element, $0.offset) })
        plan.operations = operations.filter { $0.kind == .move }.map { operation in
            PlannedOperation(
                change: positions[operation.change]!, kind: .move, needs: operation.needs.compactMap { indices[$0] })
        }
        (plan.rollout, plan.setAside, plan.drift, plan.refusals) = (nil, [], [], [])
        return plan
    }
}

extension ResourceAddress {
    /// Namespace and name of a function, without the machine.
    fileprivate var identity: [Substring] { name.split(separator: ".").suffix(2) }
}
