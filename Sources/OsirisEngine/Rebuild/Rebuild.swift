import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// Makes a lost state again from the marks on what exists: search, assemble (`RebuildDraft`), record.
public struct Rebuild: Sendable {
    private let registry: ProviderRegistry
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

    // MARK: Searching

    /// Asks every provider for what carries the cluster's marks. Changes nothing.
    ///
    /// Providers with targets are asked at the same time, each type after those it may stand on; then those that put
    /// things on other providers' machines. How many calls run at once in a provider is the provider's own limit.
    /// - Parameter request: the cluster, and the key of the lost state if that is not lost too.
    public func search(_ request: DiscoveryRequest) async -> Finds {
        let (places, guests) = (
            registry.providers.filter { $0.targetKind != nil }, registry.providers.filter { $0.targetKind == nil }
        )
        var found = await search(places, request) { _ in [] }
        let hosts = found.resources
        let onTop = await search(guests, request) { type in
            // A provider that has the type itself lists its own.
            hosts.filter { registry.handler(provider: $0.provider, type: type) == nil }.map(\.resource)
        }
        found.resources += onTop.resources
        found.unreadable += onTop.unreadable
        return found
    }

    private func search(
        _ providers: [any Provider], _ request: DiscoveryRequest,
        below: @escaping @Sendable (_ type: String) -> [DiscoveredResource]
    ) async -> Finds {
        await withTaskGroup(of: (Int, Finds).self) { group in
            for (index, provider) in providers.enumerated() {
                group.addTask { (index, await search(provider, request, below: below)) }
            }
            var answers: [Int: Finds] = [:]
            for await (index, answer) in group { answers[index] = answer }
            var all = Finds()
            for index in providers.indices {
                all.resources += answers[index]?.resources ?? []
                all.unreadable += answers[index]?.unreadable ?? []
            }
            return all
        }
    }

    private func search(
        _ provider: any Provider, _ request: DiscoveryRequest,
        below: @Sendable (_ type: String) -> [DiscoveredResource]
    ) async -> Finds {
        var found = Finds()
        for handler in provider.handlers {
            var request = request
            request.below = below(handler.type.name) + found.resources.map(\.resource)
            let answer = await handler.discover(request)
            found.resources += answer.resources.map { Find(provider: provider.name, resource: $0) }
            // Several types of one provider may be in one place.
            for place in answer.unreadable where !found.unreadable.contains(place) { found.unreadable.append(place) }
        }
        return found
    }

    // MARK: Recording

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
