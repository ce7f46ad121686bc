import OsirisModel
import Synchronization

/// The resources as they are at this moment of an apply: refreshed at its start, renewed by each operation.
final class LiveRecords: Sendable {
    /// As they were first.
    private let earlier: [ResourceAddress: ResourceRecord]
    private let records: Mutex<[ResourceAddress: ResourceRecord]>
    private let links: Mutex<RecordLinks>

    init(_ records: [ResourceAddress: ResourceRecord]) {
        earlier = records
        self.records = Mutex(records)
        links = Mutex(RecordLinks(records))
    }

    subscript(address: ResourceAddress) -> ResourceRecord? {
        get { records.withLock { $0[address] } }
        set { records.withLock { $0[address] = newValue } }
    }

    var all: [ResourceAddress: ResourceRecord] { records.withLock { $0 } }

    /// The secrets of which a record has, or had at first, the clear value; by digest.
    var clearSecrets: [String: Secret] {
        var known: [String: Secret] = [:]
        for record in Array(earlier.values) + all.values {
            for value in record.attributes.values {
                value.forEachSecret { if $0.plaintext != nil { known[$0.digest] = $0 } }
            }
        }
        return known
    }

    /// True if a rename of `address` changes records that other renames may change at the same time.
    /// - Parameter renaming: what is renamed too, by its recorded address: each comes after what it needs.
    func isShared(_ address: ResourceAddress, besides renaming: Set<ResourceAddress>) -> Bool {
        !links.withLock { $0.dependants(of: address) }.isSubset(of: renaming)
    }

    /// Gives a resource its new address, and all that name it, from now on.
    /// - Parameter renaming: what is renamed too. Such a record takes up its own needs when its turn comes.
    /// - Returns: its record, and the others that had to be changed.
    func moved(
        _ from: ResourceAddress, to: ResourceAddress, besides renaming: Set<ResourceAddress>
    ) -> (record: ResourceRecord, dependants: [ResourceRecord]) {
        let (names, others) = links.withLock { links in
            let others = links.dependants(of: from)
            links.rename(from, to)
            return (links.names, others)
        }
        return records.withLock { records in
            guard let old = records.removeValue(forKey: from) else {
                preconditionFailure("\(from) is renamed and not recorded")
            }
            let record = old.renamed { names[$0] ?? $0 }
            records[to] = record
            var changed: [ResourceRecord] = []
            for address in others.sorted() {
                let present = names[address] ?? address
                guard let other = records[present], other.parent == from || !renaming.contains(address) else {
                    continue
                }
                let linked = other.renamed { names[$0] ?? $0 }
                records[present] = linked
                changed.append(linked)
            }
            return (record, changed)
        }
    }

    /// Attributes of what `parent` names and of everything below it, nearest first.
    func ancestors(_ parent: ResourceAddress?) -> [Attributes] {
        records.withLock { records in
            var found: [Attributes] = []
            var next = parent
            while let address = next, let record = records[address] {
                found.append(record.attributes)
                next = record.parent
            }
            return found
        }
    }
}

/// Who names whom among the records an apply began with, and what was renamed since.
private struct RecordLinks {
    /// By what they name, both by their addresses at the beginning. Made when it is first asked for.
    private var dependants: [ResourceAddress: Set<ResourceAddress>]?
    private let records: [ResourceAddress: ResourceRecord]
    /// The new address, by the one at the beginning.
    private(set) var names: [ResourceAddress: ResourceAddress] = [:]

    init(_ records: [ResourceAddress: ResourceRecord]) { self.records = records }

    mutating func dependants(of address: ResourceAddress) -> Set<ResourceAddress> {
        if dependants == nil {
            var found: [ResourceAddress: Set<ResourceAddress>] = [:]
            for record in records.values {
                for need in record.dependsOn + (record.parent.map { [$0] } ?? []) {
                    found[need, default: []].insert(record.address)
                }
            }
            dependants = found
        }
        return dependants?[address] ?? []
    }

    mutating func rename(_ from: ResourceAddress, _ to: ResourceAddress) { names[from] = to }
}
