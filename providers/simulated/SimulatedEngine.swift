import OsirisModel
import OsirisProviderKit

/// The `engine` type: the container engine of a simulated machine.
enum SimulatedEngine: SimulatedType {
    static let type = ResourceType(
        name: "engine",
        doc: "The container engine of a simulated machine.",
        schema: Schema([
            Field("name", .choice(["podman"]), default: "podman", doc: "Which engine."),
            Field("version", .string, required: true, doc: "Its version."),
            Field("host", .string, required: true, doc: "Network address of the machine it is installed on."),
        ]))

    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes { [:] }
    static func outsideChange(_ attributes: Attributes) -> Attributes? { ["version": "0.0.1"] }
}
