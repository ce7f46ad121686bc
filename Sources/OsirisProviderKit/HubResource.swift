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
            Field("image", .string, doc: "Digest of the image it runs from, where it runs in a container."),
            Field(
                "url", .string, role: .computed, changesWith: ["port"], doc: "Base URL of the hub's API.",
                example: "http://127.0.0.1:8080"),
            Field(
                "token", .string, role: .computed, secret: true,
                doc: "Bearer token with role admin, made by the provisioner; sealed in the state."),
        ]))

    /// The arguments of a hub.
    public static func arguments(
        port: Int, version: String, image: String? = nil, alerts: [HubSpec.Alert] = []
    ) -> Attributes {
        var attributes: Attributes = ["status": "running", "port": .int(port), "version": .string(version)]
        if let image { attributes["image"] = .string(image) }
        if !alerts.isEmpty { attributes["alerts"] = .list(alerts.map(\.value)) }
        return attributes
    }
}
