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
    /// The clock by which certificates are made.
    let now: @Sendable () -> Date
    let issued = IssuedTokens()

    init(program: HubProgram, podman: String, http: any HTTPSending, now: @escaping @Sendable () -> Date) {
        self.program = program
        self.podman = podman
        self.http = http
        self.now = now
    }

    let type = ResourceType(
        name: HubResource.type.name, doc: HubResource.type.doc, schema: HubResource.type.schema, exclusive: ["port"],
        outage: HubResource.restart)

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
            let url = Self.url(config.port, tls: config.tls)
            var attributes: Attributes = ["status": "stopped", "port": .int(config.port), "url": .string(url)]
            for name in ["version", "token"] { attributes[name] = request.recorded[name] }
            attributes["alerts"] = HubAlerts.found(config.alerts, recorded: request.recorded["alerts"])
            attributes["settings"] = config.settingsFound
            if let image = try folder.image() { attributes["image"] = .string(image) }
            let authority = config.tls ? config.mark?.authority : nil
            let certificate = config.tls ? try certificate(of: folder).installed()?.certificate : nil
            if let authority {
                attributes["authority"] = .string(authority)
                attributes["authorityKey"] = .secret(AuthorityResource.key(of: authority, clear: nil))
            }
            attributes["certificateExpires"] = certificate.map { .string($0.notAfter.formatted(.iso8601)) }
            guard try await runner(folder, request.address, cluster).running(folder) != nil else {
                return .present(attributes)
            }
            // Without what it was given for TLS it cannot be asked, nor started again.
            if config.tls && (authority == nil || certificate == nil) { return .present(attributes) }
            guard let token = request.recorded["token"]?.stringValue else {
                // Without its token it can only be asked whether it is alive.
                attributes["status"] = await isAlive(url, authority) ? "running" : "unresponsive"
                return .present(attributes)
            }
            let answer: HubClient.Answer
            do {
                answer = try await info(
                    HubClient(url: url, token: token, authority: authority, http: http), certificate)
            } catch HubClient.Failure.certificate(let fault, _) {
                // One that has expired is renewed while the hub runs. Any other cause is put right by a start.
                let isExpired = certificate.map { $0.notAfter <= now() } ?? false
                attributes["status"] = fault == .expired && isExpired ? "running" : "stopped"
                return .present(attributes)
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
            let isShown = certificate.map { Self.shows($0, info) } ?? true
            if info["generation"]?.stringValue == config.generation && isShown { attributes["status"] = "running" }
            return .present(attributes)
        } catch let error as HubFolderError {
            return .unreadable("hub \(request.address): \(error.message)")
        } catch let error as ProviderError {
            return .unreadable(error.message)
        } catch {
            return .unreadable("hub \(request.address): \(error)")
        }
    }

    /// What the hub says of itself. One that has been given another certificate a moment ago gets the time to take it up.
    private func info(_ client: HubClient, _ certificate: Certificate?) async throws -> HubClient.Answer {
        let deadline = ContinuousClock.now + .seconds(3)
        while true {
            let answer = try await client.call("GET", "/system/info")
            guard let certificate, let info = answer.json?.mapValue, answer.status == 200,
                !Self.shows(certificate, info), ContinuousClock.now < deadline
            else { return answer }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func isAlive(_ url: String, _ authority: String?) async -> Bool {
        (try? await HubClient(url: url, token: nil, authority: authority, http: http).call("GET", "/healthz"))?.status
            == 200
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
            let (folder, token) = (HubFolder(request.address, of: request.cluster), known ?? issued.token(of: request))
            if let renewed = try await renew(request, folder, token: token) { return renewed }
            return try await bring(request, folder, token: token)
        }
    }

    /// Only what is written beside the hub: it goes on in its folder, and learns of its name at its next start.
    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        var held = request
        held.address = from
        let folder = HubFolder(from, of: request.cluster)
        let isMoved = try? HubFolder(request.address, of: request.cluster).config()?.address == request.address.text
        if isMoved == true { return try await changing(request, "move") {} }
        try await changing(held, "move") {
            guard var config = try folder.config(), config.address == from.text else {
                throw ProviderError(
                    .rejected, "\(from): its hub is gone", help: "plan again; the plan will create it")
            }
            let mark = config.mark
            config.address = request.address.text
            if let token = request.prior["token"]?.stringValue.map(Secret.init(hubToken:)) {
                config = try await config.marked(by: request, token: token)
            }
            // By what it is known does not change with its name.
            config.mark?.authority = mark?.authority
            config.mark?.operation = mark?.operation ?? request.token
            try folder.write(config)
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
        // The generation says that the hub was told these.
        recorded["alerts"] = request.planned["alerts"]
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
