import Foundation

/// Which content each version runs: the image is looked up once, at the version's first start, and stays the same though
/// its tag may move.
actor ContainerImages {
    private let data: DataFolder
    private var pulls: [String: Task<Void, any Error>] = [:]

    init(data: DataFolder) { self.data = data }

    /// The file beside a version's files with the image it runs.
    private func file(_ entry: CatalogEntry) -> String {
        data.versionFolder(entry.spec.name, entry.version) + "/image"
    }

    /// What a version runs: `REPOSITORY@sha256:…`, or the engine's own `sha256:…` of an image without a registry; nil
    /// before its first start.
    func pinned(_ entry: CatalogEntry) async -> String? {
        let file = file(entry)
        let bytes = try? await BlockingWork.run { FileManager.default.contents(atPath: file) }
        return bytes.flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The image for an instance of a version, pulled if the engine does not have it.
    /// - Parameter tell: told of a pull.
    /// - Returns: the engine's id of it.
    /// - Throws: `Engine.Failure`, `StartFailure`.
    func image(
        for entry: CatalogEntry, on engine: Engine, tell: @escaping @Sendable (String) -> Void
    ) async throws -> String {
        if let pinned = await pinned(entry) {
            if let image = try await engine.image(pinned) { return image.id }
            guard pinned.contains("@") else {
                throw StartFailure("The image \(pinned) is gone from the container engine. Deploy the function again.")
            }
            try await pull(pinned, on: engine, tell)
            guard let image = try await engine.image(pinned) else { throw Self.lost(pinned) }
            return image.id
        }
        let reference = ImageReference(entry.spec.image ?? "")
        var image = try await engine.image(reference.text)
        if image == nil {
            try await pull(reference.text, on: engine, tell)
            image = try await engine.image(reference.text)
        }
        guard let image else { throw Self.lost(reference.text) }
        let known = image.digests.first { $0.hasPrefix("\(reference.repository)@") }
        let pin = reference.isByDigest ? reference.text : known ?? image.id
        let (data, file) = (data, file(entry))
        try await BlockingWork.run { try data.write(Array(pin.utf8), to: file, mode: 0o644) }
        return image.id
    }

    /// Instances that start at once share one pull.
    private func pull(
        _ reference: String, on engine: Engine, _ tell: @Sendable (String) -> Void
    ) async throws {
        tell("pulling image \(reference)")
        let pull = pulls[reference] ?? Task { try await engine.pull(reference) }
        pulls[reference] = pull
        defer { pulls[reference] = nil }
        try await pull.value
    }

    private static func lost(_ reference: String) -> StartFailure {
        StartFailure("The container engine has pulled \(reference) and does not find it.")
    }
}
