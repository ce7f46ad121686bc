import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization

/// The manifest beside a state, for what no state has: passwords and passphrases of logins. Read only when one is needed.
final class ManifestPlace: Sendable {
    /// Where relative paths of recorded logins start.
    let folder: String
    private let paths: [String]
    private let variables: [String]
    /// By target; nil before the manifest is read.
    private let secrets = Mutex<[String: HostLogin.Secrets]?>(nil)

    init(_ options: ClusterOptions) {
        (folder, paths, variables) = (options.folder, options.paths, options.variables)
    }

    /// What the manifest has for the logins of a target; none if it does not name the target, or is not without faults.
    func secrets(of target: String) -> HostLogin.Secrets {
        secrets.withLock { known in
            let all = known ?? read()
            known = all
            return all[target] ?? .none
        }
    }

    private func read() -> [String: HostLogin.Secrets] {
        guard var options = try? ClusterOptions.parse([]) else { return [:] }
        (options.files, options.variables) = (paths, variables)
        let cluster = try? Workspace.load(options, Providers.registry(), secretSalt: "no state", nil)
        let targets = cluster?.targets.map { ($0.name, HostLogin.Secrets($0.settings)) } ?? []
        return Dictionary(targets) { first, _ in first }
    }
}

extension ClusterOptions {
    var place: ManifestPlace { ManifestPlace(self) }
}
