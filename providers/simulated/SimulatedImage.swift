import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The `image` type: the hub's image on a simulated machine.
enum SimulatedImage: SimulatedType {
    static let type = ResourceType(
        name: "image",
        doc: "The hub's image on a simulated machine.",
        schema: Schema([
            Field(
                "reference", .string, required: true,
                doc: "`spec.hub.image`, else `spec.hub.archive`, else the image of this release."),
            Field("digest", .string, role: .computed, changesWith: ["*"], doc: "Digest the hub runs from."),
        ]), outage: .init(update: .zero))

    /// What the manifest asks for.
    static func reference(_ hub: HubSpec, version: String) -> String {
        hub.image ?? hub.archive ?? "osiris-hub:\(version)"
    }

    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes {
        let reference = request.planned["reference"]?.stringValue ?? ""
        // Nothing is pulled: a reference without a digest stands for the digest of its text.
        let pinned = reference.split(separator: "@", maxSplits: 1).dropFirst().first.map(String.init)
        return ["digest": .string(pinned ?? Digest.sha256(reference.utf8))]
    }

    static func outsideChange(_ attributes: Attributes) -> Attributes? { ["reference": "outside/osiris-hub:0"] }
}
