import OsirisModel
import Synchronization

/// The resources as they are at this moment of an apply: refreshed at its start, renewed by each operation.
final class LiveRecords: Sendable {
    /// As they were first.
    private let earlier: [ResourceAddress: ResourceRecord]
    private let records: Mutex<[ResourceAddress: ResourceRecord]>

    init(_ records: [ResourceAddress: ResourceRecord]) {
        earlier = records
        self.records = Mutex(records)
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
