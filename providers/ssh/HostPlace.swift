import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Where a host is, how to get in, and where its files are: from the manifest where its target names it, else from what was
/// recorded.
public struct HostPlace: Sendable, Hashable {
    /// The machine's name in its target.
    public var name: String
    public var login: HostLogin
    public var route: SSHRoute
    public var elevation: SSHElevation
    /// Absolute; below it is everything of osiris on the host.
    public var folder: String
}

extension HostPlace {
    /// - Parameters:
    ///   - resource: anything that lives on the host, or the host itself; its name is the host's.
    ///   - recorded: attributes of the host and of what lives on it, the host last; counts where the manifest does not
    ///     name the host any more.
    ///   - target: as the manifest has it; nil if it has not.
    ///   - home: folder of the manifest.
    ///   - address: where the host is by now, if something knows better than what was recorded.
    /// - Throws: `ProviderError` if nobody knows how the host is reached, or there is no way to it.
    init(
        _ resource: ResourceAddress, recorded: [Attributes], of target: SSHTarget?, home: String,
        at address: String? = nil
    ) throws(ProviderError) {
        let host = target?[resource.name]
        guard var login = host?.login ?? HostLogin.of(recorded) else {
            throw ProviderError(
                .rejected, "\(resource): nobody knows how its host is reached",
                help: "put the host back into the manifest, or take what is recorded of it out of the state")
        }
        name = String(resource.name)
        if let address { login.address = address }
        self.login = login
        do {
            route = try login.route(folder: home, secrets: host?.secrets ?? target?.secrets ?? .none)
        } catch {
            throw ProviderError(.rejected, "\(resource): there is no way to its host: \(error)")
        }
        elevation = host?.elevation ?? target?.elevation ?? SSHElevation(.auto)
        folder =
            recorded.lazy.compactMap { $0["folder"]?.stringValue }.last ?? target?.folder ?? SSHTarget.defaultFolder
    }

    /// All hosts that a target of the manifest names, by the addresses of their resources.
    /// - Throws: `DiagnosticsError` for faults of the target, `ProviderError`.
    static func all(of target: Target, in cluster: Cluster) throws -> [(ResourceAddress, HostPlace)] {
        let read = try SSHTarget(target)
        return try read.hosts.map { host in
            let address = ResourceAddress(target: target.name, type: "host", name: host.name)
            return (address, try HostPlace(address, recorded: [], of: read, home: cluster.folder))
        }
    }
}
