import OsirisModel
import OsirisProviderKit

/// What a host keeps of one resource below its folder, `host.json` and the like: whose it is, and what a rebuild of a lost
/// state needs. The scripts look for words in it, so it is written without spaces.
struct HostMarker: Sendable, Equatable {
    var cluster: String
    var address: ResourceAddress
    /// Of the state; empty without one.
    var lineage: String
    /// Token of the operation that wrote it.
    var operation: String
    /// The arguments, and what the operation answered beside them. No secrets in the clear.
    var attributes: Attributes
    /// What only this provider understands, such as a hub's configuration.
    var more: [String: Value] = [:]

    init(_ request: OperationRequest, _ attributes: Attributes, more: [String: Value] = [:]) {
        cluster = request.cluster.name
        address = request.address
        lineage = request.owner.lineage
        operation = request.token
        self.attributes = attributes
        self.more = more
    }

    /// Nil if it is no such marker.
    init?(_ bytes: [UInt8]) {
        guard let fields = (try? Value(plainJSON: bytes))?.mapValue, let cluster = fields["cluster"]?.stringValue,
            let address = fields["address"]?.stringValue.flatMap(ResourceAddress.init),
            let operation = fields["operation"]?.stringValue, let attributes = fields["attributes"]?.mapValue
        else { return nil }
        self.cluster = cluster
        self.address = address
        lineage = fields["lineage"]?.stringValue ?? ""
        self.operation = operation
        self.attributes = attributes
        more = fields["more"]?.mapValue ?? [:]
    }

    var bytes: [UInt8] {
        Value.map([
            "cluster": .string(cluster), "address": .string(address.text), "lineage": .string(lineage),
            "operation": .string(operation), "attributes": .map(attributes), "more": .map(more),
        ]).plainJSON()
    }

    func belongs(to cluster: String, _ address: ResourceAddress) -> Bool {
        self.cluster == cluster && self.address == address
    }
}
