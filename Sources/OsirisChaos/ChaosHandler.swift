import Foundation
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit

/// A handler broken on purpose, so that tests can see chaos find it. No part of any engine or provider.
public enum Sabotage: String, Codable, Sendable, CaseIterable {
    /// Every try of a create has another idempotency token.
    case freshTokens = "fresh-tokens"
    /// Every open create is said not to have landed, as if no intent had been written.
    case forgottenIntents = "forgotten-intents"
}

extension ProviderRegistry {
    /// The same providers with a boundary before and after each call.
    public func cut(at boundaries: Boundaries) -> ProviderRegistry {
        ProviderRegistry(providers.map { ChaosProvider($0, boundaries) })
    }
}

private struct ChaosProvider: Provider {
    private let base: any Provider
    let handlers: [any ResourceHandler]

    init(_ base: any Provider, _ boundaries: Boundaries) {
        self.base = base
        handlers = base.handlers.map { ChaosHandler(base: $0, boundaries: boundaries) }
    }

    var name: String { base.name }
    var targetKind: TargetKind? { base.targetKind }
    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { try base.expand(target, of: cluster) }
    func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] {
        await base.preflight(changes, of: cluster)
    }
}

/// A handler behind a line that can be cut.
private struct ChaosHandler: ResourceHandler {
    let base: any ResourceHandler
    let boundaries: Boundaries

    var type: ResourceType { base.type }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        boundaries.pass("before read of \(requests.count) \(type.name)")
        defer { boundaries.pass("after read of \(requests.count) \(type.name)") }
        guard boundaries.way() == .open else { return requests.map { _ in .unreadable("no connection (chaos)") } }
        return await base.read(requests, of: cluster)
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        var request = request
        if boundaries.step.sabotage == .freshTokens { request.token = UUID().uuidString.lowercased() }
        let sent = request
        return try await call("create", sent) { try await base.create(sent) }
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        try await call("update", request) { try await base.update(request) }
    }

    func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes {
        try await call("put-back", request) { try await base.putBack(request, to: earlier) }
    }

    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        try await call("move", request) { try await base.move(request, from: from) }
    }

    func delete(_ request: OperationRequest) async throws {
        try await call("delete", request) { try await base.delete(request) }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        if boundaries.step.sabotage == .forgottenIntents { return .notLanded }
        return try await call("resolve", request) { try await base.resolve(request) }
    }

    func fence(_ request: OperationRequest) async throws {
        try await call("fence", request) { try await base.fence(request) }
    }

    func discover(_ request: DiscoveryRequest) async -> Discovery { await base.discover(request) }

    private func call<Answer>(
        _ name: String, _ request: OperationRequest, _ body: () async throws -> Answer
    ) async throws -> Answer {
        boundaries.pass("before \(name) of \(request.address)")
        defer { boundaries.pass("after \(name) of \(request.address)") }
        switch boundaries.way() {
        case .open: return try await body()
        case .closed: throw ProviderError(.transient, "\(name) of \(request.address): no connection (chaos)")
        case .silent:
            _ = try await body()
            throw ProviderError(.answerLost, "\(name) of \(request.address): the connection was cut (chaos)")
        }
    }
}
