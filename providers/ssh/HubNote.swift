import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What the marker of a hub tells beside its attributes: what the hub was told, and the certificate it was given.
struct HubNote: Sendable {
    /// With the mark; in place of the alerts' secrets are their digests.
    var config: HubConfiguration
    /// Nil for a hub without TLS.
    var certificate: Certificate?
    /// Arguments and computed attributes, as far as they are no secrets.
    var attributes: Attributes

    init(config: HubConfiguration, certificate: Certificate?, attributes: Attributes) {
        self.config = config
        self.certificate = certificate
        self.attributes = attributes
    }

    /// Nil if it is not the marker of a hub.
    init?(_ marker: HostMarker) {
        guard let config = marker.more["config"].flatMap(HubConfiguration.init) else { return nil }
        self.config = config
        certificate = marker.more["certificate"]?.stringValue.flatMap { try? Certificate(pem: $0) }
        attributes = marker.attributes
        if let authority = config.mark?.authority {
            attributes["authority"] = .string(authority)
            attributes["authorityKey"] = .secret(AuthorityResource.key(of: authority, clear: nil))
            attributes["certificateExpires"] = certificate.map { .string($0.notAfter.formatted(.iso8601)) }
        }
    }

    /// - Parameter marked: the configuration with its mark, as the hub is told it.
    func marker(_ request: OperationRequest) -> HostMarker {
        var config = config
        // Signed with, so only the hub's own file has them.
        config.alerts = request.planned["alerts"].flatMap { alerts in
            alerts.listValue.map { .list($0.map(Self.withoutSecrets)) }
        }
        var more: [String: Value] = ["config": config.value]
        more["certificate"] = certificate.map { .string($0.pem) }
        return HostMarker(request, attributes.filter { Self.plain.contains($0.key) }, more: more)
    }

    /// The arguments that stand in the marker as they are.
    private static let plain: Set<String> = ["port", "version", "image"]

    private static func withoutSecrets(_ entry: Value) -> Value {
        .map(
            (entry.mapValue ?? [:]).mapValues {
                if case .secret(let secret) = $0 { .string(secret.digest) } else { $0 }
            })
    }
}
