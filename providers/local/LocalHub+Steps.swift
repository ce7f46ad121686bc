import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The steps that create, update and resolve share.
extension LocalHub {
    /// Ends with exactly one hub, which runs with the planned arguments and this token, wherever it begins.
    func bring(_ request: OperationRequest, _ folder: HubFolder, token: Secret) async throws -> Attributes {
        let image = request.planned["image"]?.stringValue
        let config = configuration(request, token)
        try check(folder, belongsTo: request)
        let certificate = config.tls ? try certificate(of: folder).bring(request) : nil
        let new = runner(image: image, request.address, request.cluster)
        let start = HubStart(
            address: request.address, folder: folder, config: config, runner: new,
            client: client(request, token))
        let isWritten = config.tellsTheSame(as: try folder.config())
        if isWritten, try await new.running(folder) != nil {
            try await start.waitUntilReady(new.found(folder))
        } else {
            try await new.prepare(progress: request.progress)
            let old = try runner(folder, request.address, request.cluster)
            try await old.stop(folder, progress: request.progress)
            try start.requireFreePort()
            try folder.write(try await config.marked(by: request, token: token))
            try folder.note(image: image)
            request.progress("starting the hub")
            try await start.waitUntilReady(try await new.start(folder))
        }
        try await start.requireVersion(request.planned["version"]?.stringValue)
        return attributes(request, token, certificate)
    }

    /// Puts a certificate into the folder of a hub that runs and is told nothing else. The hub takes it up by itself and
    /// loses no call.
    /// - Returns: nil if that is not enough, so that the hub has to be started again.
    func renew(_ request: OperationRequest, _ folder: HubFolder, token: Secret) async throws -> Attributes? {
        guard let old = try folder.config(), old.tls, request.prior["status"] == "running",
            request.prior["version"] == request.planned["version"],
            try folder.image() == request.planned["image"]?.stringValue
        else { return nil }
        var config = configuration(request, token)
        // It goes on as what it was started as.
        config.generation = old.generation
        guard config.tellsTheSame(as: old),
            try await runner(folder, request.address, request.cluster).running(folder) != nil
        else { return nil }
        try check(folder, belongsTo: request)
        let certificate = try certificate(of: folder).bring(request)
        try folder.write(try await config.marked(by: request, token: token))
        request.progress("waiting until the hub shows its certificate")
        let client = client(request, token)
        let deadline = ContinuousClock.now + Self.longestReload
        while ContinuousClock.now < deadline {
            if let info = try? await client.call("GET", "/system/info", timeout: .seconds(2)).json?.mapValue,
                info["generation"]?.stringValue == config.generation, Self.shows(certificate, info)
            {
                return attributes(request, token, certificate)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    /// A hub looks at its file every second.
    static let longestReload: Duration = .seconds(10)

    /// True if the hub that says this of itself shows that certificate.
    static func shows(_ certificate: Certificate, _ info: [String: Value]) -> Bool {
        info["certificate"]?.mapValue?["fingerprint"]?.stringValue == certificate.fingerprint
    }

    func certificate(of folder: HubFolder) -> LocalCertificate { LocalCertificate(folder: folder, now: now()) }

    private func configuration(_ request: OperationRequest, _ token: Secret) -> HubConfiguration {
        HubConfiguration(
            address: request.address.text, cluster: request.cluster.name, port: request.planned["port"]?.intValue ?? 0,
            generation: Self.generation(request), tokens: HubRole.configuration(admin: token.plaintext ?? ""),
            alerts: request.planned["alerts"].flatMap(HubAlerts.told),
            settings: request.planned["settings"]?.mapValue ?? [:], tls: request.planned["authority"] != nil)
    }

    private func client(_ request: OperationRequest, _ token: Secret) -> HubClient {
        let authority = request.planned["authority"]?.stringValue
        return HubClient(
            url: Self.url(request.planned["port"]?.intValue ?? 0, tls: authority != nil), token: token.plaintext,
            authority: authority, http: http)
    }

    private func attributes(_ request: OperationRequest, _ token: Secret, _ certificate: Certificate?) -> Attributes {
        var attributes = request.planned.filter { $0.value != .null }
        attributes["url"] = .string(Self.url(request.planned["port"]?.intValue ?? 0, tls: certificate != nil))
        attributes["token"] = .secret(token)
        attributes["certificateExpires"] = certificate.map { .string($0.notAfter.formatted(.iso8601)) }
        return attributes
    }

    /// Stops the hub and removes its folder.
    func remove(_ request: OperationRequest, _ folder: HubFolder) async throws {
        try check(folder, belongsTo: request)
        try await runner(folder, request.address, request.cluster).stop(folder, progress: request.progress)
        var tries = 1
        while true {
            do { return try folder.remove() } catch {
                // The guard of a hub that was killed may be tidying up in there for a moment.
                if tries == 30 { throw error }
                tries += 1
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// What runs the hub of `folder` now.
    func runner(_ folder: HubFolder, _ address: ResourceAddress, _ cluster: Cluster) throws -> any HubRunner {
        runner(image: try folder.image(), address, cluster)
    }

    private func runner(image: String?, _ address: ResourceAddress, _ cluster: Cluster) -> any HubRunner {
        guard let image else { return ProcessHub(program: program) }
        return PodmanHub(
            address: address, cluster: cluster.name, image: image, archive: ImageArchive(of: cluster)?.path,
            podman: Podman(program: podman, address: address))
    }

    private func check(_ folder: HubFolder, belongsTo request: OperationRequest) throws {
        guard let config = try folder.config() else { return }
        guard config.cluster == request.cluster.name, config.address == request.address.text else {
            throw ProviderError(
                .rejected,
                "\(folder.path) belongs to \(config.address) of cluster \(config.cluster), not to \(request.address)",
                help: "give the target another name, or destroy that cluster first")
        }
    }

    static func url(_ port: Int, tls: Bool) -> String { "\(tls ? "https" : "http")://127.0.0.1:\(port)" }

    static func generation(_ request: OperationRequest) -> String {
        HubConfiguration.generation(
            arguments: request.planned.filter { $0.value != .null }, operation: request.token)
    }
}

extension ProviderError {
    /// The error of a step, in the words of a provider.
    init(local error: any Error, at address: ResourceAddress, action: String) {
        switch error {
        case let error as ProviderError: self = error
        case let error as HubFolderError:
            self.init(.rejected, "\(action) of \(address): \(error.message)")
        case let error as ImageArchiveError:
            self.init(.rejected, "\(action) of \(address): \(error.message)")
        case is CancellationError:
            self.init(.transient, "\(action) of \(address) was cancelled")
        default: self.init(.rejected, "\(action) of \(address): \(error)")
        }
    }
}
