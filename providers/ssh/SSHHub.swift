import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The kit's `hub` type on a host: in a container that systemd starts, its API reached through the host's sshd.
struct SSHHub: MarkedHandler {
    let hosts: Hosts
    let http: any HTTPSending
    /// The clock by which certificates are made.
    let now: @Sendable () -> Date
    let issued: IssuedTokens

    let type = HubResource.type
    var base: String { SSHImage.type.name }

    // MARK: Reading

    func attributes(
        _ marker: HostMarker, _ facts: HostFacts, _ request: ReadRequest, _ place: HostPlace
    ) async throws -> ReadResult {
        guard let told = HubNote(marker) else {
            return .unreadable("\(request.address): its marker on \(place.name) does not hold what a hub is told")
        }
        let url = Self.url(place, told.config)
        var attributes = told.attributes
        attributes["status"] = "stopped"
        attributes["url"] = .string(url)
        attributes["token"] = request.recorded["token"]
        attributes["alerts"] = HubAlerts.found(told.config.alerts, recorded: request.recorded["alerts"])
        attributes["settings"] = told.config.settingsFound
        guard facts.isHubRunning else { return .present(attributes) }
        let authority = told.config.mark?.authority
        guard let token = request.recorded["token"]?.stringValue else {
            // Without its token it can only be asked whether it is alive.
            let answer = try? await HubClient(
                url: url, token: nil, authority: authority, via: place.route, http: http
            ).call("GET", "/healthz")
            attributes["status"] = answer?.status == 200 ? "running" : "unresponsive"
            return .present(attributes)
        }
        let client = HubClient(url: url, token: token, authority: authority, via: place.route, http: http)
        let answer: HubClient.Answer
        do {
            answer = try await client.call("GET", "/system/info")
        } catch HubClient.Failure.certificate(let fault, _) {
            // One that has expired is renewed while the hub runs. Any other cause is put right by a start.
            let hasExpired = told.certificate.map { $0.notAfter <= now() } ?? false
            attributes["status"] = fault == .expired && hasExpired ? "running" : "stopped"
            return .present(attributes)
        } catch is HubClient.Failure {
            // It runs and hangs: an update ends it and starts it again.
            attributes["status"] = "unresponsive"
            return .present(attributes)
        }
        if answer.status == 401 { return .present(attributes) }
        guard answer.status == 200, let info = answer.json?.mapValue else {
            return .unreadable("hub \(request.address) at \(url) answers \(answer.status): \(answer.problem)")
        }
        if let version = info["version"]?.stringValue { attributes["version"] = .string(version) }
        if info["generation"]?.stringValue == told.config.generation { attributes["status"] = "running" }
        return .present(attributes)
    }

    // MARK: Changing

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await hosts.making(request) {
            try await HubSteps(self, request, token: issued.token(of: request)).bring()
        }
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        // One whose token was lost gets a new one; its functions stay.
        let known = request.prior["token"]?.stringValue.map(Secret.init(hubToken:))
        return try await HubSteps(self, request, token: known ?? issued.token(of: request)).bring()
    }

    /// Its marker alone: the hub goes on, and learns of its name when it is next started.
    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        try await hosts.move(type.name, request, from: from, recorded: request.ancestors) { marker in
            guard var config = HubNote(marker)?.config else { return }
            let mark = config.mark
            config.address = request.address.text
            if let token = request.prior["token"]?.stringValue.map(Secret.init(hubToken:)) {
                config = try await config.marked(by: request, token: token)
            }
            // By what it is known does not change with its name.
            config.mark?.authority = mark?.authority
            marker.more["config"] = config.value
        }
    }

    func delete(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        request.progress("stopping the hub")
        try await hosts.change(
            .hubRemove, at: place, for: request, arguments: [engine(of: request.ancestors)])
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        var request = request
        // The marker says that the hub was told these.
        request.prior["alerts"] = request.planned["alerts"]
        if request.prior["token"] == nil { request.prior["token"] = issued.known(request).map(Value.secret) }
        let found = try await resolveByMarker(request)
        guard case .landed(let attributes) = found else { return found }
        if attributes["token"] == nil {
            return .unfinished(attributes, "the hub's token was lost with the run that made it")
        }
        return attributes["status"] == "running" ? .landed(attributes) : .unfinished(attributes, "the hub does not run")
    }

    func recovered(_ marker: HostMarker, _ key: Sealer?) -> (recorded: Attributes, incomplete: String?) {
        let config = HubNote(marker)?.config
        if let token = config?.adminToken(key) { return (["token": .secret(token)], nil) }
        let why =
            if config?.mark?.sealedToken == nil {
                "its admin token was left nowhere"
            } else if key == nil {
                "the state's key is lost, and with it its admin token"
            } else {
                "the state's key does not open its admin token"
            }
        return ([:], why + ", so its functions could not be listed")
    }

    static func url(_ place: HostPlace, _ config: HubConfiguration) -> String {
        let address = place.login.address
        let host = address.contains(":") ? "[\(address)]" : address
        return "\(config.tls ? "https" : "http")://\(host):\(config.port)"
    }
}
