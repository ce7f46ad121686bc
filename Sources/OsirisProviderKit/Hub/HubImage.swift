import OsirisDiagnostics
import OsirisManifest

/// The image that hubs in containers run.
public enum HubImage {
    /// The reference in the manifest, or the identity of the image in its archive, so that an archive that was made anew is
    /// a change.
    /// - Parameter span: the key of the target that asks for an image; the whole target if nil.
    /// - Throws: `DiagnosticsError` if the manifest names none, or an archive that cannot be read.
    public static func named(by cluster: Cluster, for target: Target, span: String? = nil) throws -> String {
        if let image = cluster.hub.image { return image }
        guard let archive = ImageArchive(of: cluster) else {
            throw DiagnosticsError([
                Diagnostic(
                    .error, .missingKey, "target \(target.name) runs its hubs in containers, and the hub has no image",
                    at: span.map { target.spans[$0] } ?? target.spans.whole,
                    help: "set spec.hub.image or spec.hub.archive")
            ])
        }
        do {
            return try archive.identity()
        } catch let error as ImageArchiveError {
            throw DiagnosticsError([
                Diagnostic(
                    .error, .fileUnreadable, "spec.hub.archive: \(error.message)",
                    at: cluster.hub.spans["archive"], help: "`make hub-image` makes one, dist/osiris-hub.tar")
            ])
        }
    }
}
