import OsirisModel
import OsirisProviderKit

/// The `machine` type: a computer that exists as lines of a file.
enum SimulatedMachine: SimulatedType {
    static let type = ResourceType(
        name: "machine",
        doc: "A computer of a simulated fleet. Everything on it goes with it.",
        schema: Schema([
            Field(
                "store", .path(mustExist: .anything), required: true, forcesReplacement: true,
                keeps: { SimulatedTarget.isDefaultStore($0) && SimulatedTarget.isDefaultStore($1) },
                doc: "The file it exists in, from the manifest's folder."),
            Field("id", .string, role: .computed, doc: "Name of the object in the store."),
            Field("address", .string, role: .computed, doc: "Network address.", example: "10.0.0.1"),
        ]))

    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes {
        ["address": .string(networkAddress(String(request.address.name)))]
    }

    static func completed(_ object: StoredObject) -> Attributes {
        object.attributes.merging(["id": .string(object.id)]) { $1 }
    }

    // A computer does not change by itself; it can only vanish.
    static func outsideChange(_ attributes: Attributes) -> Attributes? { nil }

    /// 10.0.0.1 for `m0001`.
    static func networkAddress(_ name: String) -> String {
        let index = Int(name.drop { !$0.isNumber }) ?? 0
        return "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)"
    }
}
