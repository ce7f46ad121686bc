import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// Machines that are reached over SSH, as resources of the provider `ssh`: the host, its engine, the hub's image and the
/// hub, each on the one before. Whoever has such machines declares them so: a rack, or a cloud.
public struct HostMachines: Sendable {
    /// The provider that makes them.
    public static let provider = "ssh"
    public static let hostType = "host"
    public static let engineType = "engine"
    public static let imageType = "image"
    /// The attribute by which a machine that is a resource itself tells where it is reached.
    public static let addressAttribute = "address"
    /// Where osiris keeps what belongs to it on a host, when nobody says another place.
    public static let defaultFolder = "/var/lib/osiris"

    private let target: Target
    private let engine: Attributes
    private let image: String
    private let imageSpan: SourceSpan
    private let hub: Attributes
    private let hubSpans: SpanMap
    /// The certificate authority of hubs that speak TLS.
    public let shared: [ResourceDeclaration]

    /// - Throws: `DiagnosticsError` if the manifest names no image for the hubs.
    public init(_ target: Target, of cluster: Cluster, hubVersion: String) throws {
        self.target = target
        image = try HubImage.named(by: cluster, for: target)
        imageSpan = cluster.hub.spans[cluster.hub.archive == nil ? "image" : "archive"]
        let settings = target.settings["engine"]?.mapValue ?? [:]
        engine = try Self.engine(target, settings, in: cluster.folder)
        let port = target.settings["hubPort"]?.intValue ?? cluster.hub.port
        let authority = HubResource.speaksTLS(cluster) ? AuthorityResource.declaration(cluster) : nil
        shared = authority.map { [$0] } ?? []
        var spans = target.spans.adding(cluster.hub.spans["tls"], at: "authority")
        if target.settings["hubPort"] == nil { spans = spans.adding(cluster.hub.spans["port"], at: "port") }
        hubSpans = spans.adding(imageSpan, at: "image")
        hub = HubResource.arguments(
            port: port, version: hubVersion, image: image, alerts: cluster.hub.alerts, settings: cluster.hub.settings,
            authority: authority?.address)
    }

    /// The resources of one machine.
    /// - Parameters:
    ///   - login: a `HostLogin` as an attribute; it may hold references.
    ///   - parent: what the machine itself is, where that is a resource.
    public func resources(
        _ name: String, login: Value, domain: String, folder: Value = .string(Self.defaultFolder),
        on parent: ResourceAddress? = nil
    ) -> [ResourceDeclaration] {
        func declare(_ type: String, _ attributes: Attributes, on parent: ResourceAddress?, _ spans: SpanMap)
            -> ResourceDeclaration
        {
            ResourceDeclaration(
                address: address(type, name), provider: Self.provider, attributes: attributes, parent: parent,
                spans: spans)
        }
        return [
            declare(
                Self.hostType, ["login": login, "folder": folder, "domain": .string(domain)], on: parent, target.spans),
            declare(Self.engineType, engine, on: address(Self.hostType, name), target.spans),
            declare(
                Self.imageType, ["image": .string(image)], on: address(Self.engineType, name),
                target.spans.adding(imageSpan, at: "image")),
            declare(HubResource.type.name, hub, on: address(Self.imageType, name), hubSpans),
        ]
    }

    /// The key of a package source counts by its content.
    private static func engine(_ target: Target, _ settings: Attributes, in folder: String) throws -> Attributes {
        var engine: Attributes = ["name": settings["name"] ?? "auto", "install": settings["install"] ?? true]
        guard var repository = settings["repository"]?.mapValue, let key = repository["key"]?.stringValue else {
            return engine
        }
        let path = key.hasPrefix("/") ? key : "\(folder)/\(key)"
        do {
            repository["key"] = .string(try Digest.sha256(file: path))
        } catch {
            throw DiagnosticsError([
                Diagnostic(
                    .fileUnreadable, "target \(target.name): engine.repository.key: \(path) cannot be read",
                    at: target.spans["engine"], help: "`gpg --armor --export KEY` writes one")
            ])
        }
        engine["repository"] = .map(repository)
        return engine
    }

    /// The machine as functions are placed on it.
    /// - Parameter address: where it is reached; may be a reference.
    public func machine(_ name: String, domain: String, address: Value, labels: [String: String]) -> Machine {
        Machine(
            name: name, hub: self.address(HubResource.type.name, name), functionProvider: "hub", domain: domain,
            address: address, labels: labels)
    }

    private func address(_ type: String, _ name: String) -> ResourceAddress {
        ResourceAddress(target: target.name, type: type, name: name)
    }
}
