import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// `provider: local`: one hub on this machine, as a plain process or in a container.
public struct LocalProvider: Provider {
    public let name = "local"
    public let targetKind: TargetKind?
    public let handlers: [any ResourceHandler]
    private let hubVersion: String

    /// - Parameters:
    ///   - hubVersion: The version of the hub program that belongs to this release.
    ///   - program: The `osiris-hub` program; nil for `OSIRIS_HUB`, else the one beside the running program.
    ///   - podman: The podman program; a name is looked up in PATH.
    ///   - http: Sends requests to the hub.
    ///   - now: The clock by which certificates are made.
    public init(
        hubVersion: String, program: String? = nil, podman: String = "podman", http: any HTTPSending,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.hubVersion = hubVersion
        targetKind = TargetKind(
            provider: "local", doc: "A hub on this machine, for trying things out and for machines you sit at.",
            schema: Self.schema)
        handlers = [LocalHub(program: HubProgram(path: program), podman: podman, http: http, now: now)]
    }

    /// One hub and one machine, both named after the target.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        let engine = HubEngine(target)
        let image = engine == .podman ? try HubImage.named(by: cluster, for: target, span: "engine") : nil
        let port = target.settings["port"]?.intValue ?? cluster.hub.port
        try check(port, of: target, in: cluster)
        let address = ResourceAddress(target: target.name, type: HubResource.type.name, name: target.name)
        let authority =
            HubResource.speaksTLS(cluster, isLocal: true) ? AuthorityResource.declaration(cluster) : nil
        var spans = target.spans.adding(cluster.hub.spans["tls"], at: "authority")
        if target.settings["port"] == nil { spans = spans.adding(cluster.hub.spans["port"], at: "port") }
        let hub = ResourceDeclaration(
            address: address, provider: name,
            attributes: HubResource.arguments(
                port: port, version: hubVersion, image: image, alerts: cluster.hub.alerts,
                settings: cluster.hub.settings,
                authority: authority?.address),
            spans: spans)
        return Expansion(
            resources: [hub],
            machines: [Machine(name: target.name, hub: address, functionProvider: "hub", address: "127.0.0.1")],
            shared: authority.map { [$0] } ?? [])
    }

    /// All local targets are on one machine: two hubs cannot have one port.
    private func check(_ port: Int, of target: Target, in cluster: Cluster) throws {
        let earlier = cluster.targets.prefix { $0.name != target.name }.first {
            $0.provider == name && ($0.settings["port"]?.intValue ?? cluster.hub.port) == port
        }
        guard let earlier else { return }
        throw DiagnosticsError([
            Diagnostic(
                .portConflict, "the hubs of `\(earlier.name)` and `\(target.name)` would both have port \(port)",
                at: target.spans["port"], notes: [.init("the other one", at: earlier.spans.whole)],
                help: "give `\(target.name)` a port of its own, such as `port: \(port + 1)`")
        ])
    }

    private static let schema = Schema([
        Field(
            "engine", .choice(HubEngine.allCases.map(\.rawValue)), default: .string(HubEngine.process.rawValue),
            doc: "Runs the hub as a plain process, or in a container of podman's."),
        Field(
            "port", .int(1...65535), doc: "TCP port on 127.0.0.1; without it the port of `spec.hub`.",
            example: "8080"),
    ])
}

/// What the hub of a local target runs in.
enum HubEngine: String, Sendable, CaseIterable {
    case process, podman

    init(_ target: Target?) {
        self = target?.settings["engine"]?.stringValue.flatMap(HubEngine.init(rawValue:)) ?? .process
    }
}
