import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// `provider: ssh`: hubs on machines that have nothing but an sshd and a user.
public struct SSHProvider: Provider {
    static let kind = HostMachines.provider
    public let name = Self.kind
    public let targetKind: TargetKind?
    public let handlers: [any ResourceHandler]
    let hosts: Hosts
    private let hubVersion: String
    /// What machines bring by themselves at their first start, for providers that make machines.
    public let firstBoot: any FirstBoot

    /// - Parameters:
    ///   - hubVersion: The version of the hub program that belongs to this release.
    ///   - sessions: The logins on the hosts; the same as those of `http`, so that each host is logged in to once.
    ///   - http: Sends requests to the hubs, through the hosts.
    ///   - consoles: Of machines, by the provider that makes them; an error on one shows the end of its console.
    ///   - now: The clock by which certificates are made.
    public init(
        hubVersion: String, sessions: SSHSessions, http: any HTTPSending,
        consoles: [String: any MachineConsole] = [:], now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.hubVersion = hubVersion
        targetKind = TargetKind(
            provider: name, doc: "Hubs on hosts that are reached over SSH.", schema: SSHTarget.schema)
        hosts = Hosts(sessions: sessions, consoles: consoles)
        let issued = IssuedTokens()
        firstBoot = HostFirstBoot(hubVersion: hubVersion, issued: issued)
        handlers = [
            SSHHost(hosts: hosts), SSHEngine(hosts: hosts), SSHImage(hosts: hosts),
            SSHHub(hosts: hosts, http: http, now: now, issued: issued),
        ]
    }

    /// For each host the host itself, its engine, the image and the hub, each on the one before.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        let hosts = try SSHTarget(target).hosts
        let machines = try HostMachines(target, of: cluster, hubVersion: hubVersion)
        let folder = target.settings["folder"] ?? .string(HostMachines.defaultFolder)
        return Expansion(
            resources: hosts.flatMap {
                machines.resources($0.name, login: $0.login.value, domain: $0.domain, folder: folder)
            },
            machines: hosts.map {
                machines.machine(
                    $0.name, domain: $0.domain, address: .string($0.login.address), labels: $0.labels)
            }, shared: machines.shared)
    }
}
