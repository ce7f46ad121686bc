import Foundation
import Logging
import OsirisModel
import OsirisTransport

/// Runs functions as containers of this machine's engine, and finds again what it ran.
struct ContainerHost: Sendable {
    /// Which engine there is, as `/system/info` shows it.
    struct Claim: Codable, Sendable, Equatable {
        /// True if container functions can be run; absent while the engine has said nothing yet.
        var available: Bool?
        /// Name and version of the engine and its socket, or why there is none. For people.
        var how: String
    }

    /// The label that tells the containers of this hub from all others.
    static let hubLabel = "osiris.hub"

    let images: ContainerImages
    private let data: DataFolder
    private let socket: EngineSocket
    private let cluster: String
    /// Of data folder and hub, so that hubs with folders of one name on one engine are not taken for each other.
    private let mark: String
    private let http: any HTTPSending
    private let state = EngineState()

    init(
        data: DataFolder, config: HubConfig, http: any HTTPSending,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.data = data
        self.http = http
        socket = EngineSocket(configured: config.engine?.socket, environment: environment)
        cluster = config.cluster
        let digest = Digest.sha256("\(data.realPath)\n\(config.cluster)\n\(config.address)".utf8)
        mark = String(digest.dropFirst("sha256:".count).prefix(32))
        images = ContainerImages(data: data)
    }

    /// - Throws: `StartFailure` if there is no socket.
    func engine() async throws -> Engine {
        let socket = socket
        guard let path = try await BlockingWork.run({ socket.find() }) else {
            throw StartFailure("\(socket.missing) Install podman or Docker and start its service.")
        }
        return Engine(socket: path, http: http)
    }

    /// What the engine is, as it said a moment ago: a request must not wait for an engine that hangs.
    func claim() async -> Claim {
        await state.claim { await ask() }
            ?? Claim(available: nil, how: "the container engine was asked what it is and has not answered yet")
    }

    /// Asks the engine what it is.
    private func ask() async -> Claim {
        do {
            let engine = try await engine()
            let version = try await engine.version()
            let user = version.rootless ? ", rootless" : ""
            return Claim(available: true, how: "\(version.name) \(version.version)\(user) at \(engine.socket)")
        } catch {
            return Claim(available: false, how: "\(error)")
        }
    }

    /// Whether a function can be run here at all.
    /// - Throws: `HubError` 409.
    func check(_ spec: FunctionSpec) async throws {
        let claim = await ask()
        await state.said(claim)
        guard claim.available == true else {
            throw HubError(409, "no_engine", "This hub cannot run containers. \(claim.how)")
        }
    }

    /// Makes an instance, after its image is there.
    func instance(
        of entry: CatalogEntry, environment: InstanceEnvironment, log: any LogSink,
        tell: @escaping @Sendable (String) -> Void
    ) async throws -> ContainerInstance {
        // What it removes could not be told from what is made now.
        await state.cleared()
        let engine = try await engine()
        let image = try await images.image(for: entry, on: engine, tell: tell)
        let id = ContainerInstance.newID()
        let plan = ContainerPlan(
            spec: entry.spec, image: image, environment: environment.variables,
            labels: [
                Self.hubLabel: mark, "osiris.cluster": cluster,
                "osiris.function": "\(entry.spec.name.namespace)/\(entry.spec.name.name)",
                "osiris.version": String(entry.version), "osiris.instance": id,
            ])
        return ContainerInstance(
            id: id, plan: plan, engine: engine, redaction: environment.redaction, log: log,
            outputBytes: entry.spec.limits.outputBytes)
    }

    /// Removes in the background what an earlier hub on this folder left behind, before the first instance is made.
    func clear(_ logger: Logger) async {
        await state.clear {
            do {
                let count = try await removeLeftovers()
                if count > 0 { logger.notice("Removed \(count) containers that an earlier hub left behind") }
            } catch {
                logger.warning("Containers of an earlier hub may be left: \(error)")
            }
        }
    }

    /// Stops asking the engine, at the hub's end.
    func end() async { await state.end() }

    /// Removes the containers that an earlier hub on this folder left behind.
    /// - Returns: how many there were.
    /// - Throws: what the engine says; nothing if there is none.
    func removeLeftovers() async throws -> Int {
        guard let engine = try? await engine() else { return 0 }
        let ids = try await engine.containers(labels: [Self.hubLabel: mark])
        for id in ids { try await engine.remove(id) }
        return ids.count
    }
}
