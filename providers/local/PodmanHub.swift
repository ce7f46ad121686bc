import Foundation
import OsirisModel
import OsirisProviderKit

/// The hub in a container of podman's, on the host's network.
///
/// The container is made anew at every start; what lasts is the data folder. Its name follows from the cluster, the target
/// and the data folder, so that every run of the provisioner finds it, also one that a crash interrupted.
struct PodmanHub: HubRunner {
    let address: ResourceAddress
    let cluster: String
    let image: PodmanImage
    let podman: Podman

    init(address: ResourceAddress, cluster: String, image: String, archive: String?, podman: Podman) {
        self.address = address
        self.cluster = cluster
        self.podman = podman
        self.image = PodmanImage(name: image, archive: archive, podman: podman)
    }

    var otherVersionHelp: String { "make the image again with `make hub-image`, from the same sources as osiris" }

    func prepare(progress: @Sendable (String) -> Void) async throws {
        try await image.ensure(progress: progress)
    }

    func running(_ folder: HubFolder) async throws -> String? {
        let name = name(folder)
        return try await podman.container(name)?.isRunning == true ? "container \(name)" : nil
    }

    func start(_ folder: HubFolder) async throws -> AwaitedHub {
        let output = try await podman.run(runArguments(folder))
        guard let id = output.split(whereSeparator: \.isNewline).last.map(String.init) else {
            throw HubFolderError("podman run named no container")
        }
        let name = name(folder)
        return AwaitedHub(
            // Podman starts a hub that ended again at once; at its first start that is an end.
            isAlive: { [podman] in try await podman.isInFirstRun(id) },
            log: { [podman] in await podman.logTail(name) }, logHelp: logHelp(name),
            // The container stays, for its log.
            giveUp: { [podman] in _ = try? await podman.result(["stop", "--time", "0", name]) })
    }

    func found(_ folder: HubFolder) -> AwaitedHub {
        let name = name(folder)
        return AwaitedHub(
            isAlive: { try await running(folder) != nil },
            log: { [podman] in await podman.logTail(name) }, logHelp: logHelp(name))
    }

    private func logHelp(_ name: String) -> String { "`podman logs \(name)` shows its log" }

    func stop(_ folder: HubFolder, progress: @Sendable (String) -> Void) async throws {
        let name = name(folder)
        guard try await podman.container(name) != nil else { return }
        progress("removing container \(name)")
        _ = try await podman.run(["rm", "--force", "--ignore", "--time", Self.seconds, name])
    }

    /// How long a hub may take to end, running calls included.
    private static let seconds = "12"

    /// Two copies of a manifest on one machine are two hubs.
    func name(_ folder: HubFolder) -> String {
        let path = URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path
        let digest = Digest.sha256(path.utf8).dropFirst("sha256:".count).prefix(8)
        // Named after the folder, which stays when the target is renamed.
        return "osiris-\(cluster)-\((path as NSString).lastPathComponent)-\(digest)"
    }

    func runArguments(_ folder: HubFolder) -> [String] {
        [
            "run", "--detach", "--replace", "--name", name(folder), "--pull=never",
            "--label", "osiris.cluster=\(cluster)", "--label", "osiris.address=\(address)",
            // Who runs podman owns the data folder: root in the container, which outside of it is that user.
            "--user=0:0",
            "--restart=always", "--stop-timeout=\(Self.seconds)", "--network=host", "--http-proxy=false",
            // Without the right to give files to other users, everything in the data folder stays removable.
            "--cap-drop=all", "--cap-add=net_bind_service", "--security-opt=no-new-privileges",
            "--log-driver=k8s-file", "--log-opt=max-size=10mb",
            "--mount", Self.mount(folder.path), image.name, "serve", "--data", "/data",
        ]
    }

    /// A line of CSV: a field is quoted, for folders with a comma or a quote in their name.
    static func mount(_ path: String) -> String {
        "type=bind,\"src=\(path.replacingOccurrences(of: "\"", with: "\"\""))\",dst=/data"
    }
}
