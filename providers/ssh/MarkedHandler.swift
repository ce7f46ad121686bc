import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What engine, image and hub have in common: they live on a host, and a marker of their own there tells of them.
protocol MarkedHandler: ResourceHandler {
    var hosts: Hosts { get }
    /// The type that this one lives on.
    var base: String { get }
    /// What is there, from the host's marker and its facts.
    func attributes(_ marker: HostMarker, _ facts: HostFacts, _ request: ReadRequest, _ place: HostPlace) async throws
        -> ReadResult
    /// What a marker keeps sealed, and what of it is lost.
    func recovered(_ marker: HostMarker, _ key: Sealer?) -> (recorded: Attributes, incomplete: String?)
}

extension MarkedHandler {
    func recovered(_ marker: HostMarker, _ key: Sealer?) -> (recorded: Attributes, incomplete: String?) { ([:], nil) }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        await concurrently(requests) { await read($0, of: cluster) }
    }

    func read(_ request: ReadRequest, of cluster: Cluster) async -> ReadResult {
        do {
            let place = try hosts.place(of: request, in: cluster)
            switch await hosts.facts(place) {
            case .failure(let error): return .unreadable("\(request.address): \(error.description)")
            case .success(let facts):
                guard let marker = try facts.marker(type.name, request.address, cluster) else { return .absent }
                return try await attributes(marker, facts, request, place)
            }
        } catch let error as ProviderError {
            return .unreadable(error.message)
        } catch {
            return .unreadable("\(request.address): \(error)")
        }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution { try await resolveByMarker(request) }

    /// By the token of the operation in the marker: only reads.
    func resolveByMarker(_ request: OperationRequest) async throws -> IntentResolution {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        let facts: HostFacts
        switch await hosts.facts(place, anew: true) {
        case .failure(let error): return .unknownYet(error.description)
        case .success(let found): facts = found
        }
        guard let marker = try facts.marker(type.name, request.address, request.cluster),
            marker.operation == request.token
        else { return .notLanded }
        let read = ReadRequest(address: request.address, recorded: request.prior, ancestors: request.ancestors)
        switch try await attributes(marker, facts, read, place) {
        case .present(let attributes): return .landed(attributes)
        case .absent: return .notLanded
        case .unreadable(let reason): return .unknownYet(reason)
        }
    }

    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        try await hosts.move(type.name, request, from: from, recorded: request.ancestors)
    }

    func fence(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        try await hosts.change(.fence, at: place, for: request)
    }

}

/// Does something for each item at once, answers in the order of the items. What is at work on hosts has its own limits.
func concurrently<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) async -> Result
) async -> [Result] {
    await withTaskGroup(of: (Int, Result).self) { group in
        for (index, item) in items.enumerated() { group.addTask { (index, await body(item)) } }
        var results = [Result?](repeating: nil, count: items.count)
        for await (index, result) in group { results[index] = result }
        return results.compactMap(\.self)
    }
}
