import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// Makes a lost state again from the marks on what exists: search, assemble (`RebuildDraft`), record.
public struct Rebuild: Sendable {
    let registry: ProviderRegistry
    private let parallelism: Int

    /// - Parameter parallelism: records that are written at once.
    public init(_ registry: ProviderRegistry, parallelism: Int = 32) {
        self.registry = registry
        self.parallelism = parallelism
    }

    /// One object, and the provider that found it.
    public struct Find: Sendable, Hashable {
        public var provider: String
        public var resource: DiscoveredResource

        public init(provider: String, resource: DiscoveredResource) {
            self.provider = provider
            self.resource = resource
        }
    }

    /// What was found, and where nobody could look.
    public struct Finds: Sendable {
        public var resources: [Find] = []
        public var unreadable: [UnreadablePlace] = []

        public init() {}
    }

    /// Writes the records, each after what it lives on. What is recorded already as it is, is passed over.
    /// - Throws: `DiagnosticsError`, as `StateSession.record`; what was written before stays.
    public func record(_ draft: RebuildDraft, over present: StateSnapshot, to session: StateSession) async throws {
        try await record(draft.records, text: "found by state rebuild", over: present, to: session)
    }

    /// Writes the records, as above.
    /// - Parameter text: for the history.
    public func record(
        _ records: [ResourceRecord], text: String, over present: StateSnapshot, to session: StateSession
    ) async throws {
        let wanted = Set(records.filter { present.resources[$0.address] != $0 })
        let records = Dictionary(uniqueKeysWithValues: records.map { ($0.address, $0) })
        for level in Refresher.levels(records) {
            var waiting = level.filter(wanted.contains).makeIterator()
            // At the same time, so that many share one write to the disk.
            try await withThrowingTaskGroup(of: Void.self) { group in
                func startNext() {
                    guard let record = waiting.next() else { return }
                    group.addTask { try await session.record(.observed(record, text: text)) }
                }
                for _ in 0..<parallelism { startNext() }
                while try await group.next() != nil { startNext() }
            }
        }
    }
}
