import OsirisModel
import Synchronization

/// The resources as they are at this moment of an apply: refreshed at its start, renewed by each operation.
final class LiveRecords: Sendable {
    private let records: Mutex<[ResourceAddress: ResourceRecord]>

    init(_ records: [ResourceAddress: ResourceRecord]) { self.records = Mutex(records) }

    subscript(address: ResourceAddress) -> ResourceRecord? {
        get { records.withLock { $0[address] } }
        set { records.withLock { $0[address] = newValue } }
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
