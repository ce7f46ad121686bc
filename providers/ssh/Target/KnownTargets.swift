import OsirisManifest
import OsirisModel
import Synchronization

/// The targets of a manifest, read once: everything on a host asks for its host, and there may be many thousands.
final class KnownTargets: Sendable {
    private let known = Mutex<[String: (settings: Attributes, target: SSHTarget?)]>([:])

    /// - Returns: nil for a target that the manifest does not have, or not as one with hosts, or with faults.
    subscript(name: Substring, cluster: Cluster) -> SSHTarget? {
        guard let target = cluster.targets.first(where: { $0.name == name && $0.provider == "ssh" }) else { return nil }
        return known.withLock { known in
            // Another cluster may have another target of that name. Settings that are the same object are compared at once.
            if let read = known[target.name], read.settings == target.settings { return read.target }
            let read = try? SSHTarget(target)
            known[target.name] = (target.settings, read)
            return read
        }
    }
}
