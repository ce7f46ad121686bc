import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// One host that a manifest names, for commands that work on hosts.
public struct ManifestHost: Sendable {
    /// `TARGET/host.NAME`, whether it is applied or not.
    public var address: ResourceAddress
    public var place: HostPlace
    public var domain: String
    /// What the manifest wants of it.
    public var wishes: HostWishes

    /// All hosts of all targets with `provider: ssh`, in the manifest's order.
    /// - Throws: `DiagnosticsError` with every fault of the targets.
    public static func all(of cluster: Cluster) throws(DiagnosticsError) -> [ManifestHost] {
        let archs = SSHProvider.archs(of: cluster)
        var hosts: [ManifestHost] = []
        var faults: [Diagnostic] = []
        for target in cluster.targets where target.provider == "ssh" {
            do {
                let read = try SSHTarget(target)
                for host in read.hosts {
                    let address = ResourceAddress(target: target.name, type: SSHHost.type.name, name: host.name)
                    hosts.append(
                        ManifestHost(
                            address: address,
                            place: try HostPlace(address, recorded: [], of: read, home: cluster.folder),
                            domain: host.domain,
                            wishes: HostWishes(address, target.settings, archs: archs, of: cluster)))
                }
            } catch let error as DiagnosticsError {
                faults += error.diagnostics
            } catch {
                let fault = error as? ProviderError
                faults.append(
                    Diagnostic(
                        .hostUnreachable, fault?.message ?? "\(error)", at: target.spans.whole, help: fault?.help))
            }
        }
        if !faults.isEmpty { throw DiagnosticsError(faults) }
        return hosts
    }
}

extension HostWishes {
    /// What a target wants of one of its hosts.
    init(_ host: ResourceAddress, _ settings: Attributes, archs: Set<String>, of cluster: Cluster) {
        let target = cluster.targets.first { $0.name == host.target }
        let engine = settings["engine"]?.mapValue ?? [:]
        self.init(
            cluster: cluster.name, address: host.text, archs: archs,
            port: settings["hubPort"]?.intValue ?? cluster.hub.port,
            engine: engine["name"]?.stringValue ?? "auto", installsEngine: engine["install"]?.boolValue ?? true,
            packages: target.flatMap { EnginePackages($0, in: cluster) },
            repository: EngineRepository(engine["repository"]))
    }
}
