import OsirisModel
import OsirisProviderKit

@testable import OsirisPlanner

/// What exists, as a plan is carried out on it: checks at each step that no dependency is broken.
struct World {
    private(set) var records: [ResourceAddress: ResourceRecord]
    private(set) var violations: [String] = []
    private var made = 0
    /// The records when the plan was made.
    private var before: [ResourceAddress: ResourceRecord] = [:]
    /// Recorded, but removed by somebody outside.
    private var absent = Set<ResourceAddress>()

    init(_ records: [ResourceAddress: ResourceRecord] = [:]) { self.records = records }

    /// Somebody removes or edits things outside osiris: what lives on a removed thing is gone too.
    mutating func tamper(using generator: inout some RandomNumberGenerator) -> [ResourceAddress: ReadResult] {
        var actual: [ResourceAddress: ReadResult] = [:]
        for address in records.keys.sorted() where Int.random(in: 0..<8, using: &generator) == 0 {
            if Bool.random(using: &generator) {
                for gone in subtree(address) { actual[gone] = .absent }
            } else if actual[address] == nil {
                actual[address] = .present(records[address]!.attributes.merging(["label": "tampered"]) { $1 })
            }
        }
        for (address, record) in records where actual[address] == nil { actual[address] = .present(record.attributes) }
        return actual
    }

    private func subtree(_ address: ResourceAddress) -> [ResourceAddress] {
        [address] + records.values.filter { $0.parent == address }.flatMap { subtree($0.address) }
    }

    /// Carries out all operations in a random order that keeps to the edges.
    mutating func apply(
        _ plan: Plan, actual: [ResourceAddress: ReadResult], using generator: inout some RandomNumberGenerator
    ) {
        before = records
        for (address, result) in actual {
            switch result {
            case .absent: absent.insert(address)
            case .present(let attributes): records[address]?.attributes = attributes
            default: break
            }
        }
        var missing = plan.operations.map(\.needs.count)
        var ready = plan.operations.indices.filter { missing[$0] == 0 }
        var done = 0
        while !ready.isEmpty {
            let index = ready.remove(at: Int.random(in: ready.indices, using: &generator))
            run(plan, index)
            done += 1
            for other in plan.operations.indices {
                let count = plan.operations[other].needs.filter { $0 == index }.count
                if count > 0 {
                    missing[other] -= count
                    if missing[other] == 0 { ready.append(other) }
                }
            }
        }
        if done < plan.operations.count { violations.append("\(plan.operations.count - done) operations never ran") }
    }

    private mutating func run(_ plan: Plan, _ index: Int) {
        let operation = plan.operations[index]
        let change = plan.changes[operation.change]
        let address = change.address
        switch operation.kind {
        case .create, .update:
            for need in OperationGraph.neededAddresses(change) where records[need] == nil || absent.contains(need) {
                violations.append("\(operation.kind.rawValue) \(address) before \(need)")
            }
            var attributes = change.arguments.mapValues {
                $0.resolvingReferences { records[$0.address]?.attributes[$0.attribute] ?? .unknown }
            }
            if attributes.values.contains(where: \.containsUnknown) { violations.append("\(address) has unknowns") }
            made += 1
            absent.remove(address)
            let prior = operation.kind == .update ? records[address]?.attributes ?? [:] : [:]
            attributes["id"] = prior["id"] ?? .string("id-\(address)-\(made)")
            attributes["url"] = .string("url-\(address)-\(made)")
            if address.type == "note" { attributes["url"] = prior["url"] ?? attributes["url"] }
            records[address] = ResourceRecord(
                address: address, provider: change.provider, attributes: attributes, parent: change.parent,
                dependsOn: OperationGraph.neededAddresses(change), source: change.source)
        case .delete:
            for other in records.values.sorted(by: { $0.address < $1.address })
            where other.address != address && !absent.contains(other.address) {
                guard (other.dependsOn + [other.parent].compactMap(\.self)).contains(address) else { continue }
                let change = plan.changes.first { $0.address == other.address }
                let goesAlong = other.address.type == "note" && other.parent == address
                // Nothing happens to it, or the rules contradict each other: it only waits a moment.
                let waits = change == nil || keepsWaiting(plan, index, change!)
                if !goesAlong && !waits { violations.append("delete \(address) under \(other.address)") }
            }
            for gone in subtree(address) where gone == address || gone.type == "note" { records[gone] = nil }
        case .forget: records[address] = nil
        case .move:
            let from = change.recordedAddress
            let record = records.removeValue(forKey: from)
            if record == nil || absent.contains(from) { violations.append("rename \(from), which is not there") }
            if let parent = record?.parent, records[parent] == nil {
                violations.append("rename \(from) before \(parent)")
            }
            records[address] = record
            records = Dictionary(
                uniqueKeysWithValues: records.values.map { record in
                    let record = record.renamed { $0 == from ? address : $0 }
                    return (record.address, record)
                })
            before = before.mapValues { $0.renamed { $0 == from ? address : $0 } }
        }
    }

    /// True if, by the records before the plan, the first needs the second, at whatever distance.
    private func needs(_ address: ResourceAddress, _ other: ResourceAddress) -> Bool {
        var pending = [address]
        var seen = Set(pending)
        while let next = pending.popLast() {
            if next == other { return true }
            guard let record = before[next] else { continue }
            for need in record.dependsOn + [record.parent].compactMap(\.self) where seen.insert(need).inserted {
                pending.append(need)
            }
        }
        return false
    }

    /// True if the update, or the going with its parent, could not have come before the delete.
    private func keepsWaiting(_ plan: Plan, _ delete: Int, _ change: ResourceChange) -> Bool {
        if change.action == .update, plan.changes[plan.operations[delete].change].action == .replace { return true }
        let own = plan.operations.indices.filter { plan.changes[plan.operations[$0].change].address == change.address }
        if own.contains(where: { plan.operations[$0].kind == .delete }) {
            // Records of unchanged resources keep their old needs; two of different age may need each other.
            return needs(plan.changes[plan.operations[delete].change].address, change.address)
        }
        var pending = own
        var seen = Set(pending)
        while let next = pending.popLast() {
            if next == delete { return true }
            for need in plan.operations[next].needs where seen.insert(need).inserted { pending.append(need) }
        }
        return false
    }
}
