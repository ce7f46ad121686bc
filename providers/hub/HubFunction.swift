import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The kit's `function` type in a hub that runs.
struct HubFunction: ResourceHandler {
    let http: any HTTPSending

    /// Deleting a hub deletes its catalog: its functions need no call of their own, and a dead hub can be destroyed.
    let type = ResourceType(
        name: FunctionResource.type.name, doc: FunctionResource.type.doc, schema: FunctionResource.type.schema,
        goneWithParent: true, outage: FunctionResource.exchange)

    // MARK: Reading

    /// One listing for each hub, however many functions are asked for.
    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        let byHub = Dictionary(grouping: requests.indices) { requests[$0].ancestors.first?["url"]?.stringValue }
        var results = [ReadResult](repeating: .absent, count: requests.count)
        await withTaskGroup(of: [(Int, ReadResult)].self) { group in
            for (running, indices) in byHub.values.enumerated() {
                if running >= Self.listingsAtOnce, let done = await group.next() {
                    for (index, result) in done { results[index] = result }
                }
                group.addTask { await read(indices.map { ($0, requests[$0]) }, cluster) }
            }
            for await done in group { for (index, result) in done { results[index] = result } }
        }
        return results
    }

    static let listingsAtOnce = 32

    /// Requests of one hub.
    private func read(_ requests: [(Int, ReadRequest)], _ cluster: Cluster) async -> [(Int, ReadResult)] {
        func all(_ result: ReadResult) -> [(Int, ReadResult)] { requests.map { ($0.0, result) } }
        // A function is gone with its hub.
        guard let first = requests.first?.1, !first.ancestors.isEmpty else { return all(.absent) }
        switch await list(first.ancestors, first.address, of: cluster) {
        case .failure(let failure): return all(.unreadable(failure.reason))
        case .success(let list):
            var statuses: [String: FunctionStatus] = [:]
            for status in list { statuses[status.key] = status }
            return requests.map { index, request in
                let key = FunctionStatus.key(identity(request.recorded, request.address))
                return (index, statuses[key].map { .present($0.attributes) } ?? .absent)
            }
        }
    }

    /// Why a hub could not be listed, in one sentence without a full stop.
    struct ListingFailure: Error {
        var reason: String
    }

    /// All functions of one hub; `address` is whose error it is.
    /// - Parameter ancestors: the hub and what it lives on, nearest first.
    func list(
        _ ancestors: [Attributes], _ address: ResourceAddress, of cluster: Cluster
    ) async -> Result<[FunctionStatus], ListingFailure> {
        let hub = ancestors.first ?? [:]
        func failure(_ reason: String) -> Result<[FunctionStatus], ListingFailure> { .failure(.init(reason: reason)) }
        // Whoever listens in place of a dead hub must not get its token.
        if let status = hub["status"]?.stringValue, status != "running" {
            return failure("hub \(url(hub)) is \(status)")
        }
        do {
            let answer = try await client(ancestors, address, of: cluster).call("GET", "/system/functions")
            guard answer.status == 200, let list = answer.json?.listValue else {
                return failure("hub \(url(hub)) answers \(answer.status): \(answer.problem)")
            }
            return .success(list.compactMap(FunctionStatus.init))
        } catch let failed as HubClient.Failure {
            return failure("hub \(url(hub)) does not answer: \(failed.reason)")
        } catch let error as ProviderError {
            return failure(error.message)
        } catch {
            return failure("the read of hub \(url(hub)) was cancelled")
        }
    }

    // MARK: Changing

    func create(_ request: OperationRequest) async throws -> Attributes {
        let deployment = try HubDeployment(request, client(request.ancestors, request.address, of: request.cluster))
        let answer = try await deployment.put()
        do {
            return try await deployment.finish(version: answer.version)
        } catch let error as ProviderError where error.kind == .rejected && answer.isNew {
            // Nobody will ask for it again under this operation: leave nothing half-made behind.
            do {
                try await deployment.delete()
            } catch let fenced as ProviderError where fenced.kind == .fenced {
                throw fenced
            } catch {}
            throw error
        }
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        let deployment = try HubDeployment(request, client(request.ancestors, request.address, of: request.cluster))
        let version = try await deployment.put().version
        if request.cluster.rollout.gate == .none, let version { return deployment.attributes(version: version) }
        return try await deployment.finish(version: version)
    }

    /// The hub keeps the versions that worked, with files and secrets: it deploys that one again, under a new number.
    func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes {
        guard let version = earlier["version"]?.intValue else {
            throw ProviderError(.rejected, "\(request.address): its earlier version is not known")
        }
        let deployment = try HubDeployment(request, client(request.ancestors, request.address, of: request.cluster))
        return try await deployment.finish(version: deployment.rollBack(to: version), smoke: false)
    }

    /// Its annotations alone: no version is made, and no instance ends.
    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        try await HubDeployment(request, client(request.ancestors, request.address, of: request.cluster)).annotate()
    }

    func delete(_ request: OperationRequest) async throws {
        if request.ancestors.isEmpty { return }
        try await HubDeployment(request, client(request.ancestors, request.address, of: request.cluster)).delete()
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        guard let hub = request.ancestors.first else { return .notLanded }
        let deployment = try HubDeployment(request, client(request.ancestors, request.address, of: request.cluster))
        do {
            guard let status = try await deployment.status(), status.operation == request.token else {
                return .notLanded
            }
            let missing = deployment.missing(status)
            return missing.map { .unfinished(status.attributes, $0) } ?? .landed(status.attributes)
        } catch let failure as HubClient.Failure {
            return .unknownYet("hub \(url(hub)) does not answer: \(failure.reason)")
        }
    }

    func fence(_ request: OperationRequest) async throws {
        // Without a hub there is no place where the function could be made.
        if request.ancestors.isEmpty { return }
        try await HubDeployment(request, client(request.ancestors, request.address, of: request.cluster)).fence()
    }

    private func client(
        _ ancestors: [Attributes], _ address: ResourceAddress, of cluster: Cluster
    ) throws -> HubClient {
        guard let hub = ancestors.first, let url = hub["url"]?.stringValue, let token = hub["token"]?.stringValue else {
            throw ProviderError(
                .rejected, "\(address): the URL or the token of its hub is not known",
                help: "apply the hub first; a lost token is replaced with the hub")
        }
        return HubClient(
            url: url, token: token, authority: hub["authority"]?.stringValue,
            via: try route(ancestors, address, of: cluster), http: http)
    }

    /// The way to the hub's host, if the hub is reached through it.
    private func route(
        _ ancestors: [Attributes], _ address: ResourceAddress, of cluster: Cluster
    ) throws -> SSHRoute? {
        guard let login = HostLogin.of(ancestors) else { return nil }
        let settings = cluster.targets.first { $0.name == address.target }?.settings ?? [:]
        do {
            return try login.route(folder: cluster.folder, secrets: HostLogin.Secrets(settings))
        } catch {
            throw ProviderError(.rejected, "\(address): there is no way to its hub: \(error)")
        }
    }

    private func url(_ hub: Attributes) -> String { hub["url"]?.stringValue ?? "without a URL" }
}

/// Name and namespace, as recorded or from the address `TARGET/function.MACHINE.NAMESPACE.NAME`.
func identity(_ attributes: Attributes, _ address: ResourceAddress) -> Attributes {
    if attributes["name"] != nil && attributes["namespace"] != nil { return attributes }
    let parts = address.name.split(separator: ".").suffix(2).map { Value.string(String($0)) }
    return parts.count == 2 ? ["namespace": parts[0], "name": parts[1]] : attributes
}
