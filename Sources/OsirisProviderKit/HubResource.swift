import OsirisManifest
import OsirisModel

/// The `hub` type: the same attributes on every kind of machine, whoever runs the hub there.
public enum HubResource {
    public static let type = ResourceType(
        name: "hub",
        doc: "The hub of one machine: starts the controller, loads the always-on functions, routes every call.",
        schema: Schema([
            Field(
                "status", .choice(["running", "stopped", "unresponsive"]), default: "running",
                doc: "A hub is meant to run; `unresponsive` is one whose process lives but does not answer."),
            Field("port", .int(1...65535), required: true, doc: "TCP port of the hub's API."),
            Field("version", .string, required: true, doc: "Version of the hub program."),
            Field(
                "alerts", .list(of: .any), doc: "Whom the hub tells of what, as in its `hub.json`; secrets by digest."),
            Field(
                "settings", .map(of: .any),
                doc: "What the hub does otherwise than without a word, as in its `hub.json`."),
            Field("image", .string, doc: "Digest of the image it runs from, where it runs in a container."),
            Field(
                "authority", .string,
                doc:
                    "Certificates of the authorities to trust, PEM; the first one signs. Absent: the hub speaks no TLS."
            ),
            Field(
                "authorityKey", .string, secret: true,
                doc: "Keys of these authorities, by which the hub's certificate is signed; recorded as a digest."),
            Field(
                "certificateExpires", .string, role: .computed, changesWith: ["authority"], presentWith: "authority",
                expiry: certificateExpiry, doc: "When the hub's certificate ends; RFC 3339.",
                example: "2027-02-19T18:26:40Z"),
            Field(
                "url", .string, role: .computed, changesWith: ["port", "authority"], doc: "Base URL of the hub's API.",
                example: "http://127.0.0.1:8080"),
            Field(
                "token", .string, role: .computed, secret: true,
                doc: "Bearer token with role admin, made by the provisioner; sealed in the state."),
        ]), outage: restart)

    /// An update restarts it: 20 seconds to end, 30 to answer again; providers wait no longer.
    public static let restart = ResourceType.Outage(update: .seconds(50))

    /// A third of a certificate's life of 90 days, and half of it.
    public static let certificateExpiry = Expiry("certificate", warnDays: 45, renewDays: 30)

    /// The arguments of a hub.
    /// - Parameter authority: the cluster's authority for a hub that speaks TLS; nil for one that does not.
    public static func arguments(
        port: Int, version: String, image: String? = nil, alerts: [HubSpec.Alert] = [],
        settings: HubSpec.Settings = HubSpec.Settings(), authority: ResourceAddress? = nil
    ) -> Attributes {
        var attributes: Attributes = ["status": "running", "port": .int(port), "version": .string(version)]
        if let image { attributes["image"] = .string(image) }
        if !alerts.isEmpty { attributes["alerts"] = .list(alerts.map(\.value)) }
        if !settings.fields.isEmpty { attributes["settings"] = .map(settings.fields) }
        if let authority {
            attributes["authority"] = .reference(AttributeReference(authority, "certificate"))
            attributes["authorityKey"] = .reference(AttributeReference(authority, "key"))
        }
        return attributes
    }

    /// Whether the hubs of a target speak TLS: as the manifest says, else all but those nobody else can reach.
    /// - Parameter isLocal: true for hubs that listen on 127.0.0.1 only.
    public static func speaksTLS(_ cluster: Cluster, isLocal: Bool = false) -> Bool { cluster.hub.tls ?? !isLocal }
}
