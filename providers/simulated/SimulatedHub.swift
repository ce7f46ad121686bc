import OsirisModel
import OsirisProviderKit

/// The kit's `hub` type on a simulated machine; nothing listens at its URL.
enum SimulatedHub: SimulatedType {
    static var type: ResourceType { HubResource.type }

    static func computed(_ request: OperationRequest, previous: Attributes?) -> Attributes {
        let host = request.ancestors.lazy.compactMap { $0["address"]?.stringValue }.first
        let port = request.planned["port"]?.intValue ?? 0
        let machine = SimulatedMachine.networkAddress(String(request.address.name))
        return [
            "url": .string("http://\(host ?? machine):\(port)"),
            "token": previous?["token"] ?? .secret(token(request.address, request.token)),
        ]
    }

    /// The clear token is not in the store, so it is made again from what is.
    static func completed(_ object: StoredObject) -> Attributes {
        let token = token(object.madeAs, object.createToken)
        guard case .secret(let stored)? = object.attributes["token"], stored == token else { return object.attributes }
        return object.attributes.merging(["token": .secret(token)]) { $1 }
    }

    private static func token(_ address: ResourceAddress, _ createToken: String) -> Secret {
        let text = "sim-" + Digest.hex(Digest.sha256Bytes("hub token \(address) \(createToken)".utf8))
        return Secret(digest: Digest.sha256(text.utf8), plaintext: text)
    }

    static func outsideChange(_ attributes: Attributes) -> Attributes? { ["status": "stopped"] }
}
