import Foundation

/// A stored version as `GET /system/function/NAME/versions` shows it.
public struct VersionView: Codable, Sendable, Equatable {
    public var version: Int
    /// Digest of everything that was deployed: equal for versions with the same content.
    public var digest: String
    public var sourceDigest: String
    /// When it was deployed: seconds since 1970, UTC.
    public var updated: Double
    /// Name of the token that deployed it; empty if that is not known.
    public var author: String
    /// The version it repeats, for one that a rollback made; else absent.
    public var copyOf: Int?
    /// True once an instance of it was ready.
    public var proven: Bool
    /// True for the one that answers calls.
    public var serving: Bool
    /// True for the one that was deployed last.
    public var wanted: Bool
}

extension Controller {
    /// The versions that are stored of a function, newest first.
    /// - Throws: `HubError` 404.
    public func versions(_ name: FunctionName) async throws -> [VersionView] {
        let entries = try await catalog.versions(of: name)
        guard let unit = units[name], !entries.isEmpty else { throw Self.unknown(name) }
        return entries.reversed().map { entry in
            VersionView(
                version: entry.version, digest: entry.contentDigest, sourceDigest: entry.sourceDigest,
                updated: entry.updated, author: entry.author, copyOf: entry.copyOf,
                proven: entry.proven, serving: entry.version == unit.serving.entry.version,
                wanted: entry.version == unit.wanted.entry.version)
        }
    }

    /// Deploys a kept version again, under a new number: files, secrets, spec and annotations. The version that
    /// serves goes on until the new one is ready.
    /// - Parameter version: nil for the newest proven one before the wanted one.
    /// - Throws: `HubError` 404 for a function or a version that is not there, 409 for one that never worked or whose
    ///   files were changed on disk, 412.
    func rollBack(_ name: FunctionName, to version: Int?, as change: Change = Change()) async throws -> Deployed {
        try await changing(change) { try await self.rollBackNow(name, to: version, as: change) }
    }

    private func rollBackNow(_ name: FunctionName, to version: Int?, as change: Change) async throws -> Deployed {
        guard let wanted = units[name]?.wanted.entry else { throw Self.unknown(name) }
        try change.precondition.check(wanted)
        let old = try Self.target(version, wanted: wanted, of: try await catalog.versions(of: name))
        if old.contentDigest == wanted.contentDigest { return unchanged(wanted, change) }
        let entry = CatalogEntry(
            spec: old.spec, sourceDigest: old.sourceDigest, version: highest[name, default: 0] + 1,
            updated: Date().timeIntervalSince1970, proven: false, author: change.author, copyOf: old.version)
        return try await install(try await store.load(old), as: entry, change)
    }

    private static func target(
        _ version: Int?, wanted: CatalogEntry, of entries: [CatalogEntry]
    ) throws -> CatalogEntry {
        let name = wanted.spec.name
        let kept = entries.filter { $0.proven && $0.version != wanted.version }.map { String($0.version) }
        let choice = kept.isEmpty ? "No other version is kept." : "Kept are \(kept.joined(separator: ", "))."
        guard let version else {
            guard let last = entries.last(where: { $0.proven && $0.version != wanted.version }) else {
                throw HubError(404, "not_found", "\(name.name) has no version to go back to. \(choice)")
            }
            return last
        }
        guard let entry = entries.first(where: { $0.version == version }) else {
            throw HubError(404, "not_found", "\(name.name) has no version \(version). \(choice)")
        }
        guard entry.proven || version == wanted.version else {
            throw HubError(409, "not_proven", "Version \(version) of \(name.name) never worked. \(choice)")
        }
        return entry
    }
}
