import OsirisModel
import OsirisProviderKit

/// The hub in a container of podman's, on the host's network.
struct PodmanHub: HubRunner {
    let address: ResourceAddress
    let cluster: String
    /// A reference, or an archive beside the manifest.
    let image: String
    /// The manifest's.
    let folder: String

    private var name: String { "osiris-\(cluster)-\(address.target)" }

    func prepare() async throws { _ = try await podman(["version", "--format", "{{.Client.Version}}"]) }

    func running(_ folder: HubFolder) async throws -> String? {
        let state = try await Command.run(
            "podman", ["inspect", "--type", "container", "--format", "{{.State.Running}}", name])
        return state.status == 0 && state.output.hasPrefix("true") ? "container \(name)" : nil
    }

    func start(_ folder: HubFolder) async throws -> ProcessIdentity? {
        let reference = try await loaded(folder)
        _ = try await podman(
            [
                "run", "-d", "--name", name, "--label", "osiris.cluster=\(cluster)", "--label",
                "osiris.address=\(address)", "--network", "host", "-v", "\(folder.path):/data", reference, "serve",
                "--data", "/data",
            ])
        return nil
    }

    /// The reference to run; an archive is loaded first.
    private func loaded(_ folder: HubFolder) async throws -> String {
        let archive = image.hasPrefix("/") ? image : "\(self.folder)/\(image)"
        guard image.hasSuffix(".tar") || image.hasSuffix(".tar.gz") else { return image }
        let output = try await podman(["load", "-q", "-i", archive])
        // "Loaded image: localhost/osiris-hub:1.0.0"
        guard let reference = output.split(whereSeparator: \.isNewline).last?.split(separator: " ").last else {
            throw HubFolderError("podman loaded no image from \(archive)")
        }
        return String(reference)
    }

    func stop(_ folder: HubFolder, progress: @Sendable (String) -> Void) async throws {
        progress("removing container \(name)")
        _ = try await podman(["rm", "-f", "-i", "-t", "12", name])
    }

    private func podman(_ arguments: [String]) async throws -> String {
        let result = try await Command.run("podman", arguments)
        guard result.status == 0 else {
            throw ProviderError(
                .rejected, "\(address): podman \(arguments[0]) ended with \(result.status): \(result.problem)")
        }
        return result.output
    }
}
