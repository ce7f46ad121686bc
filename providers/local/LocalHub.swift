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
        for request in requests {
            results.append(await read(request, HubFolder(request.address, of: cluster), of: cluster))
        }
        return results
    }

    func read(_ request: ReadRequest, _ folder: HubFolder, of cluster: Cluster) async -> ReadResult {
        do {
            guard let config = try folder.config() else { return .absent }
            let url = Self.url(config.port)
            var attributes: Attributes = ["status": "stopped", "port": .int(config.port), "url": .string(url)]
            for name in ["version", "token"] { attributes[name] = request.recorded[name] }
            attributes["alerts"] = HubAlerts.found(config.alerts, recorded: request.recorded["alerts"])
            if let image = try folder.image() { attributes["image"] = .string(image) }
            guard try await runner(folder, request.address, cluster).running(folder) != nil else {
                return .present(attributes)
            }
            guard let token = request.recorded["token"]?.stringValue else {
                // Without its token it can only be asked whether it is alive.
                attributes["status"] = await isAlive(url) ? "running" : "unresponsive"
                return .present(attributes)
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

    private func isAlive(_ url: String) async -> Bool {
        (try? await HubClient(url: url, token: nil, http: http).call("GET", "/healthz"))?.status == 200
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
            // One whose token was lost gets a new one; its functions stay.
            let known = request.prior["token"]?.stringValue.map(Secret.init(hubToken:))
            return try await bring(
                request, HubFolder(request.address, of: request.cluster), token: known ?? issued.token(of: request))
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
            HubFolder(request.address, of: request.cluster), of: request.cluster)
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
