import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The kit's `hub` type on this machine.
///
/// `stopped` is what a read calls a hub that does not run, or does not run as its configuration says: both are put right
/// by the same update.
struct LocalHub: ResourceHandler {
    let program: HubProgram
    let podman: String
    let http: any HTTPSending
    let issued = IssuedTokens()

    init(program: HubProgram, podman: String, http: any HTTPSending) {
        self.program = program
        self.podman = podman
        self.http = http
    }

    let type = ResourceType(
        name: HubResource.type.name, doc: HubResource.type.doc, schema: HubResource.type.schema, exclusive: ["port"])

    // MARK: Reading

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        var results: [ReadResult] = []
        for request in requests { results.append(await read(request, of: cluster)) }
        return results
    }

    private func read(_ request: ReadRequest, of cluster: Cluster) async -> ReadResult {
        let folder = HubFolder(request.address, of: cluster)
        do {
            guard let config = try folder.config() else { return .absent }
            let url = Self.url(config.port)
            var attributes: Attributes = ["status": "stopped", "port": .int(config.port), "url": .string(url)]
            for name in ["version", "token"] { attributes[name] = request.recorded[name] }
            if let image = try folder.image() { attributes["image"] = .string(image) }
            guard try await runner(folder, request.address, cluster).running(folder) != nil else {
                return .present(attributes)
            }
            // A token that nobody has any more is as good as a wrong one: the next update sets a new one.
            guard let recorded = request.recorded["token"] else { return .present(attributes) }
            guard let token = recorded.stringValue else {
                return .unreadable("hub \(request.address) runs, but its token is not in the state")
            }
            let answer: HubClient.Answer
            do {
                answer = try await HubClient(url: url, token: token, http: http).call("GET", "/system/info")
            } catch is HubClient.Failure {
                // It runs and hangs: an update ends it and starts it again.
                attributes["status"] = "unresponsive"
                return .present(attributes)
            }
            if answer.status == 401 { return .present(attributes) }
            guard answer.status == 200, let info = answer.json?.mapValue else {
                return .unreadable(
                    "hub \(request.address) at \(url) answers \(answer.status): \(answer.problem)")
            }
            if let version = info["version"]?.stringValue { attributes["version"] = .string(version) }
            if info["generation"]?.stringValue == config.generation { attributes["status"] = "running" }
            return .present(attributes)
        } catch let error as HubFolderError {
            return .unreadable("hub \(request.address): \(error.message)")
        } catch let error as ProviderError {
            return .unreadable(error.message)
        } catch {
            return .unreadable("hub \(request.address): \(error)")
        }
    }

    // MARK: Changing

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await changing(request, "create") {
            let folder = HubFolder(request.address, of: request.cluster)
            let isNew = folder.isUnused
            do {
                return try await bring(request, folder, token: issued.token(of: request))
            } catch {
                let error = ProviderError(local: error, at: request.address, action: "create")
                if isNew, error.kind == .rejected {
                    // Nobody will ask for this hub again under this operation: leave nothing behind.
                    try? await remove(request, folder)
                }
                throw error
            }
        }
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        try await changing(request, "update") {
            let folder = HubFolder(request.address, of: request.cluster)
            // One without a token was made by a run that was killed before it could tell: it gets a new one.
            guard let recorded = request.prior["token"] else {
                return try await bring(request, folder, token: issued.token(of: request))
            }
            guard case .secret(let token) = recorded, token.plaintext != nil else {
                throw ProviderError(
                    .rejected, "update of \(request.address): the hub's token is not in the state",
                    help: "delete the hub and create it again; that makes a new token")
            }
            return try await bring(request, folder, token: token)
        }
    }

    func delete(_ request: OperationRequest) async throws {
        try await changing(request, "delete") {
            try await remove(request, HubFolder(request.address, of: request.cluster))
        }
    }

    func fence(_ request: OperationRequest) async throws {
        try await changing(request, "fencing") {}
    }

    private func changing<Result>(
        _ request: OperationRequest, _ action: String, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await HubFence(request).pass(request, body)
        } catch {
            throw ProviderError(local: error, at: request.address, action: action)
        }
    }

    // MARK: Settling

    /// By the generation, which names the operation: only reads.
    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        do {
            let config = try HubFolder(request.address, of: request.cluster).config()
            guard config?.generation == Self.generation(request) else { return .notLanded }
        } catch {
            throw ProviderError(local: error, at: request.address, action: "resolve")
        }
        var recorded = request.prior
        if recorded["token"] == nil { recorded["token"] = issued.known(request).map(Value.secret) }
        let present = await read(
            ReadRequest(address: request.address, recorded: recorded, ancestors: request.ancestors),
            of: request.cluster)
        switch present {
        case .absent: return .notLanded
        case .unreadable(let reason): return .unknownYet(reason)
        case .present(let attributes):
            if attributes["token"] == nil {
                return .unfinished(attributes, "the hub's token was lost with the run that made it")
            }
            return attributes["status"] == "running"
                ? .landed(attributes) : .unfinished(attributes, "the hub does not run")
        }
    }
}
