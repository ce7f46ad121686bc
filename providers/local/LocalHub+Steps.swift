import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The steps that create, update and resolve share.
extension LocalHub {
    /// Ends with exactly one hub, which runs with the planned arguments and this token, wherever it begins.
    func bring(_ request: OperationRequest, _ folder: HubFolder, token: Secret) async throws -> Attributes {
        let port = request.planned["port"]?.intValue ?? 0
        let image = request.planned["image"]?.stringValue
        let config = HubConfiguration(
            address: request.address.text, cluster: request.cluster.name, port: port,
            generation: Self.generation(request), tokens: HubRole.configuration(admin: token.plaintext ?? ""),
            alerts: request.planned["alerts"].flatMap(HubAlerts.told))
        try check(folder, belongsTo: request)
        let new = runner(image: image, request.address, request.cluster)
        let start = HubStart(
            address: request.address, folder: folder, config: config, runner: new,
            client: HubClient(url: Self.url(port), token: token.plaintext, http: http))
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
        var attributes = request.planned.filter { $0.value != .null }
        attributes["url"] = .string(Self.url(port))
        attributes["token"] = .secret(token)
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

    static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)" }

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
        case is CancellationError:
            self.init(.transient, "\(action) of \(address) was cancelled")
        default: self.init(.rejected, "\(action) of \(address): \(error)")
        }
    }
}
