import OsirisModel
import OsirisProviderKit

/// The kit's `function` type in a simulated hub; its smoke call is taken as answered.
enum SimulatedFunction: SimulatedType {
    static var type: ResourceType { FunctionResource.type }

    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes {
        ["version": .int((previous?["version"]?.intValue ?? 0) + 1)]
    }

    static func outsideChange(_ attributes: Attributes) -> Attributes? {
        var env = attributes["env"]?.mapValue ?? [:]
        env["OUTSIDE"] = "1"
        return ["env": .map(env)]
    }
}
