import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// `provider: ssh`: hubs on machines that have nothing but an sshd and a user.
public struct SSHProvider: Provider {
    static let kind = "ssh"
    public let name = Self.kind
    public let targetKind: TargetKind?
    public let handlers: [any ResourceHandler]
    let hosts: Hosts
    private let hubVersion: String

    /// - Parameters:
    ///   - hubVersion: The version of the hub program that belongs to this release.
    ///   - sessions: The logins on the hosts; the same as those of `http`, so that each host is logged in to once.
    ///   - http: Sends requests to the hubs, through the hosts.
    ///   - now: The clock by which certificates are made.
    public init(
        hubVersion: String, sessions: SSHSessions, http: any HTTPSending,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.hubVersion = hubVersion
        targetKind = TargetKind(
            provider: name, doc: "Hubs on hosts that are reached over SSH.", schema: SSHTarget.schema)
        hosts = Hosts(sessions: sessions)
        handlers = [
            SSHHost(hosts: hosts), SSHEngine(hosts: hosts), SSHImage(hosts: hosts),
            SSHHub(hosts: hosts, http: http, now: now),
        ]
    }

    /// For each host the host itself, its engine, the image and the hub, each on the one before.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        let machines = try SSHTarget(target).hosts
        let image = try image(target, of: cluster)
        let port = target.settings["hubPort"]?.intValue ?? cluster.hub.port
        let authority = HubResource.speaksTLS(cluster) ? AuthorityResource.declaration(cluster) : nil
        var hubSpans = target.spans.adding(cluster.hub.spans["tls"], at: "authority")
        if target.settings["hubPort"] == nil { hubSpans = hubSpans.adding(cluster.hub.spans["port"], at: "port") }
        let imageSpan = cluster.hub.spans[cluster.hub.archive == nil ? "image" : "archive"]
        hubSpans = hubSpans.adding(imageSpan, at: "image")
        let engine = target.settings["engine"]?.mapValue ?? [:]
        let hub = HubResource.arguments(
            port: port, version: hubVersion, image: image, alerts: cluster.hub.alerts, settings: cluster.hub.settings,
            authority: authority?.address)
        var expansion = Expansion(shared: authority.map { [$0] } ?? [])
        for machine in machines {
            func address(_ type: String) -> ResourceAddress {
                ResourceAddress(target: target.name, type: type, name: machine.name)
            }
            func declare(_ type: String, _ attributes: Attributes, on parent: String?, _ spans: SpanMap) {
                expansion.resources.append(
                    ResourceDeclaration(
                        address: address(type), provider: name, attributes: attributes, parent: parent.map(address),
                        spans: spans))
            }
            declare(SSHHost.type.name, arguments(machine, target), on: nil, target.spans)
            declare(
                SSHEngine.type.name,
                ["name": engine["name"] ?? "auto", "install": engine["install"] ?? true], on: SSHHost.type.name,
                target.spans)
            declare(
                SSHImage.type.name, ["image": .string(image)], on: SSHEngine.type.name,
                target.spans.adding(imageSpan, at: "image"))
            declare(HubResource.type.name, hub, on: SSHImage.type.name, hubSpans)
            expansion.machines.append(
                Machine(
                    name: machine.name, hub: address(HubResource.type.name), functionProvider: "hub",
                    domain: machine.domain, address: .string(machine.login.address), labels: machine.labels))
        }
        return expansion
    }

    private func arguments(_ machine: SSHTarget.Host, _ target: Target) -> Attributes {
        [
            "login": machine.login.value, "folder": target.settings["folder"] ?? .string(SSHTarget.defaultFolder),
            "domain": .string(machine.domain),
        ]
    }

    /// The reference, or the identity of the image in the archive, so that an archive that was made anew is a change.
    private func image(_ target: Target, of cluster: Cluster) throws -> String {
        if let image = cluster.hub.image { return image }
        guard let archive = ImageArchive(of: cluster) else {
            throw DiagnosticsError([
                Diagnostic(
                    .error, .missingKey, "target \(target.name) runs its hubs in containers, and the hub has no image",
                    at: target.spans.whole, help: "set spec.hub.image or spec.hub.archive")
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
