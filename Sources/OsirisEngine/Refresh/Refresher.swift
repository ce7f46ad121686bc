import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit

/// Reads what exists: the only stage of a plan that touches the world, and only by reading.
public struct Refresher: Sendable {
    let registry: ProviderRegistry
    /// How many batches are read at once.
    private let parallelism: Int

    public init(_ registry: ProviderRegistry, parallelism: Int) {
        self.registry = registry
        self.parallelism = parallelism
    }

    /// The present state of every recorded resource.
    ///
    /// What lives on nothing is read first, then what lives on that, so that each read can use the fresh attributes of
    /// what is below it. All resources of one type, target and provider are one batch.
    /// - Parameter names: the address by which a resource is asked for, where it is not the recorded one.
    public func refresh(
        _ recorded: [ResourceAddress: ResourceRecord], of cluster: Cluster,
        named names: [ResourceAddress: ResourceAddress] = [:]
    ) async -> [ResourceAddress: ReadResult] {
        var results: [ResourceAddress: ReadResult] = [:]
        results.reserveCapacity(recorded.count)
        for level in Self.levels(recorded) {
            let batches = Dictionary(grouping: level) { record in
                BatchKey(
                    provider: record.provider, target: String(record.address.target), type: String(record.address.type))
            }
            let found = results
            await withTaskGroup(of: ([ResourceRecord], [ReadResult]).self) { group in
                var waiting = batches.makeIterator()
                func startNext() {
                    guard let (key, records) = waiting.next() else { return }
                    group.addTask { (records, await read(records, key, recorded, found, cluster, names)) }
                }
                for _ in 0..<parallelism { startNext() }
                while let (records, answers) = await group.next() {
                    for (record, answer) in zip(records, answers) { results[record.address] = answer }
                    startNext()
                }
            }
        }
        return results
    }

    private struct BatchKey: Hashable {
        var provider: String
        var target: String
        var type: String
    }

    private func read(
        _ records: [ResourceRecord], _ key: BatchKey, _ recorded: [ResourceAddress: ResourceRecord],
        _ found: [ResourceAddress: ReadResult], _ cluster: Cluster, _ names: [ResourceAddress: ResourceAddress]
    ) async -> [ReadResult] {
        guard let handler = registry.handler(provider: key.provider, type: key.type) else {
            let why = "this program has no provider `\(key.provider)` with resource type `\(key.type)`"
            return records.map { _ in .unreadable(why) }
        }
        var requests: [ReadRequest] = []
        requests.reserveCapacity(records.count)
        for record in records {
            var ancestors: [Attributes] = []
            var next = record.parent
            while let parent = next, let parentRecord = recorded[parent] {
                if case .present(let fresh) = found[parent] {
                    ancestors.append(fresh)
                } else {
                    ancestors.append(parentRecord.attributes)
                }
                next = parentRecord.parent
            }
            requests.append(
                ReadRequest(
                    address: names[record.address] ?? record.address, recorded: record.attributes, ancestors: ancestors)
            )
        }
        let answers = await handler.read(requests, of: cluster)
        precondition(
            answers.count == requests.count,
            "\(key.provider)/\(key.type) answered \(answers.count) reads of \(requests.count)")
        return answers
    }

    /// Records by how many others they live on, each level in address order.
    static func levels(_ recorded: [ResourceAddress: ResourceRecord]) -> [[ResourceRecord]] {
        var levels: [[ResourceRecord]] = []
        for record in recorded.values {
            var depth = 0
            var next = record.parent
            while let parent = next {
                depth += 1
                next = recorded[parent]?.parent
            }
            while levels.count <= depth { levels.append([]) }
            levels[depth].append(record)
        }
        return levels.map { $0.sorted { $0.address < $1.address } }
    }
}
