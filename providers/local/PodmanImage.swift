import OsirisModel
import OsirisProviderKit

/// The image a container runs from.
struct PodmanImage: Sendable {
    /// A reference, or the identity of the image in `archive`.
    let name: String
    /// The archive it is loaded from; nil if it comes from a registry.
    let archive: String?
    let podman: Podman

    /// Podman has it afterwards; an archive is loaded and a reference pulled only if it does not have it yet.
    func ensure(progress: @Sendable (String) -> Void) async throws {
        if try await isThere { return }
        if let archive { return try await load(archive, progress: progress) }
        guard !ImageArchive.isIdentity(name) else {
            throw ProviderError(
                .rejected, "\(podman.address): podman has no image \(name), and the manifest names no archive",
                help: "set spec.hub.archive, and plan again", attribute: "image")
        }
        progress("pulling \(name)")
        let pull = try await podman.result(["pull", "--quiet", name], timeout: Self.longest)
        guard pull.status == 0 else {
            throw ProviderError(
                .rejected, "\(podman.address): there is no image \(name): \(pull.problem)",
                help: "`make hub-image` makes dist/osiris-hub.tar for spec.hub.archive, without a registry",
                attribute: "image")
        }
    }

    private static let longest: Duration = .seconds(600)

    private var isThere: Bool {
        get async throws {
            let result = try await podman.result(["image", "exists", name])
            // 1 is "no"; anything else is that podman cannot say.
            guard result.status < 2 else {
                throw ProviderError(
                    .rejected, "\(podman.address): podman cannot look for image \(name): \(result.problem)",
                    help: "`podman info` shows whether podman works for this user")
            }
            return result.status == 0
        }
    }

    private func load(_ archive: String, progress: @Sendable (String) -> Void) async throws {
        let found = try ImageArchive(path: archive).identity()
        guard found == name else {
            throw ProviderError(
                .rejected, "\(podman.address): \(archive) holds image \(found), planned was \(name)",
                help: "the archive was made anew after the plan: plan again", attribute: "image")
        }
        progress("loading \(archive)")
        _ = try await podman.run(["load", "--quiet", "--input", archive], timeout: Self.longest)
        guard try await isThere else {
            throw ProviderError(
                .rejected, "\(podman.address): podman loaded \(archive), but has no image \(name) now",
                help: "make the archive again with `make hub-image`", attribute: "image")
        }
    }
}
