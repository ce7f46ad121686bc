import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// What one simulated type adds to the behaviour they share.
protocol SimulatedType: Sendable {
    static var type: ResourceType { get }
    /// The computed attributes of an object that is made or changed; `previous` is nil when it is made.
    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes
    /// The stored attributes together with what the store does not keep.
    static func completed(_ object: StoredObject) -> Attributes
    /// What changes when an object changes by itself; nil for a type that cannot.
    static func outsideChange(_ attributes: Attributes) -> Attributes?
}

extension SimulatedType {
    static func completed(_ object: StoredObject) -> Attributes { object.attributes }
}

/// The behaviour all simulated types share: latency, faults, and one object in the target's store.
struct SimulatedHandler<Kind: SimulatedType>: ResourceHandler {
    let place: SimulatedPlace

    var type: ResourceType { Kind.type }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        var results = [ReadResult](repeating: .absent, count: requests.count)
        // A target whose store moved has machines in two files for a while.
        let byStore = Dictionary(grouping: requests.indices) { index in
            place.storePath(requests[index].recorded, requests[index].ancestors, requests[index].address, cluster)
        }
        for (path, indices) in byStore {
            guard let first = indices.first else { continue }
            let simulation = place.simulation(requests[first].address, cluster)
            do {
                if let delay = simulation?.delay(requests[first].address, .read, 1) { try await Task.sleep(for: delay) }
                let outside = simulation.flatMap {
                    $0.touchesObjects ? OutsideWorld(simulation: $0, change: Kind.outsideChange) : nil
                }
                let lookups = indices.map { (requests[$0].address, requests[$0].recorded["id"]?.stringValue) }
                let objects = try await place.store(path).read(lookups, outside: outside)
                for (index, object) in zip(indices, objects) {
                    results[index] = object.map { .present(Kind.completed($0)) } ?? .absent
                }
            } catch {
                let reason = (error as? StoreError)?.message ?? "the read was cancelled"
                for index in indices { results[index] = .unreadable(reason) }
            }
        }
        return results
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await perform(.create, request) { store in
            var attributes = request.planned.filter { $0.value != .null }
            attributes.merge(Kind.computed(request, previous: nil)) { $1 }
            let line = StoreLine(
                operation: .create, id: Self.objectID(request), type: Kind.type.name, address: request.address.text,
                token: request.token, attributes: attributes, owner: StoreOwner(request))
            let made = try await store.create(line, at: request.address)
            return (Kind.completed(made.object), made.isNew)
        }
    }

    func update(_ request: OperationRequest) async throws -> Attributes { try await change(.update, request) }

    /// A store keeps digests of secrets only, so nothing has to be known in the clear.
    func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes {
        try await change(.putBack, request)
    }

    private func change(_ action: Simulation.Action, _ request: OperationRequest) async throws -> Attributes {
        try await perform(action, request) { store in
            let changed = try await store.update(
                request.address, id: request.prior["id"]?.stringValue, token: request.token, owner: StoreOwner(request)
            ) { object in
                var attributes = request.planned.filter { $0.value != .null && $0.key != "id" }
                let arguments = attributes.allSatisfy { object.attributes[$0.key] == $0.value }
                // Repeated or needless, the update changes nothing, the object's version included.
                if arguments && !removes(attributes, from: object.attributes) { return object.attributes }
                attributes.merge(Kind.computed(request, previous: object.attributes)) { $1 }
                return attributes
            }
            return (Kind.completed(changed.object), changed.isNew)
        }
    }

    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        _ = try await perform(.move, request) { store in
            let isNew = try await store.move(
                from, to: request.address, id: request.prior["id"]?.stringValue, token: request.token,
                owner: StoreOwner(request))
            return ([:], isNew)
        }
    }

    func delete(_ request: OperationRequest) async throws {
        _ = try await perform(.delete, request) { store in
            let isGone = try await store.delete(
                request.address, id: request.prior["id"]?.stringValue, token: request.token,
                owner: StoreOwner(request))
            return ([:], isGone)
        }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        let path = place.storePath(request.planned.merging(request.prior) { mine, _ in mine }, request)
        do {
            if let delay = place.simulation(request.address, request.cluster)?.delay(request.address, .resolve, 1) {
                try await Task.sleep(for: delay)
            }
            let found = try await place.store(path).candidates(request.address)
            if found.count > 1 {
                return .ambiguous(found.map { "object \($0.id), made by operation \($0.createToken), in \(path)" })
            }
            guard let object = found.first, [object.createToken, object.lastToken].contains(request.token) else {
                return .notLanded
            }
            return .landed(Kind.completed(object))
        } catch {
            throw ProviderError(error, at: request.address, action: "resolve")
        }
    }

    func fence(_ request: OperationRequest) async throws {
        let path = place.storePath(request.planned.merging(request.prior) { mine, _ in mine }, request)
        do {
            try await place.store(path).raise(StoreOwner(request), token: request.token)
        } catch {
            throw ProviderError(error, at: request.address, action: "fencing")
        }
    }

    /// Latency, then faults without effect, then the effect, then the fault that hides it.
    private func perform(
        _ action: Simulation.Action, _ request: OperationRequest,
        _ effect: (ObjectStore) async throws -> (Attributes, tookEffect: Bool)
    ) async throws -> Attributes {
        let simulation = place.simulation(request.address, request.cluster)
        let attempt = simulation?.failsCalls == true ? place.beginAttempt(request.address, action) : 1
        do {
            if let delay = simulation?.delay(request.address, action, attempt) { try await Task.sleep(for: delay) }
            if let refusal = simulation?.refusal(request.address, action, attempt) { throw refusal }
            let recorded = action == .create ? request.planned : request.prior
            let (attributes, tookEffect) = try await effect(place.store(place.storePath(recorded, request)))
            if let fault = simulation?.unready(request.address, action) { throw fault }
            if tookEffect, simulation?.losesAnswer(request.address, action, attempt) == true {
                throw ProviderError(.answerLost, "\(action) of \(request.address): no answer came (simulated)")
            }
            place.endAttempts(request.address, action)
            return attributes
        } catch {
            throw ProviderError(error, at: request.address, action: action.rawValue)
        }
    }

    private func removes(_ arguments: Attributes, from attributes: Attributes) -> Bool {
        Kind.type.schema.fields.contains {
            $0.role == .argument && attributes[$0.name] != nil && arguments[$0.name] == nil
        }
    }

    /// The same for every try of one operation.
    private static func objectID(_ request: OperationRequest) -> String {
        let digest = Digest.hex(Digest.sha256Bytes("\(request.address.text) \(request.token)".utf8).prefix(8))
        return "\(Kind.type.name)-\(digest)"
    }
}
