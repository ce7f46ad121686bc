import OsirisModel
import OsirisProviderKit

/// What a hub is told in its `hub.json`.
struct HubConfiguration: Sendable, Equatable {
    /// The hub's resource address.
    var address: String
    var cluster: String
    var port: Int
    /// Names these arguments and the operation that brought them; the hub repeats it in `/system/info`.
    var generation: String
    /// The digest of each role's token. Clear tokens are never in a file.
    var tokens: Value

    init(address: String, cluster: String, port: Int, generation: String, tokens: Value) {
        self.address = address
        self.cluster = cluster
        self.port = port
        self.generation = generation
        self.tokens = tokens
    }

    /// Nil if `value` is not such a configuration.
    init?(_ value: Value) {
        guard let fields = value.mapValue, let address = fields["address"]?.stringValue,
            let cluster = fields["cluster"]?.stringValue, let port = fields["port"]?.intValue,
            let generation = fields["generation"]?.stringValue,
            let tokens = fields["tokens"], tokens.listValue != nil
        else { return nil }
        self.init(address: address, cluster: cluster, port: port, generation: generation, tokens: tokens)
    }

    var value: Value {
        [
            "address": .string(address), "cluster": .string(cluster), "host": "127.0.0.1", "port": .int(port),
            "generation": .string(generation), "tokens": tokens,
        ]
    }

    /// Equal for every try of one operation, different for any other.
    static func generation(arguments: Attributes, operation: String) -> String {
        Digest.sha256(Value.list([.map(arguments), .string(operation)]).json())
    }
}
