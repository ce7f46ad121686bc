import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `elasticAddress` type: an address that stays the same when its instance is replaced.
struct ElasticAddress: EC2Handler {
    static let type = ResourceType(
        name: "elasticAddress", doc: "An address on the internet that stays when its instance is replaced.",
        schema: .ec2([
            Field("instance", .string, required: true, doc: "The instance it leads to."),
            Field("publicIP", .string, role: .computed, doc: "The address.", example: "203.0.113.7"),
        ]))

    let ec2: EC2
    let kind = EC2Kind.address
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        ["instance": .string(item.text("instanceId") ?? ""), "publicIP": .string(item.text("publicIp") ?? "")]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["Domain"] = "vpc"
        parameters.tags(kind.tagged, step.tags)
        let answer = try await step.call("AllocateAddress", parameters)
        guard let id = answer?.word("allocationId"), let address = answer?.word("publicIp") else {
            throw ProviderError(.answerLost, "\(step.request.address): AllocateAddress answers without an address")
        }
        return (id, ["instance": "", "publicIP": .string(address)])
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        if present["instance"] != step.request.planned["instance"] {
            var parameters = QueryParameters()
            parameters["AllocationId"] = id
            parameters["InstanceId"] = step["instance"]
            parameters["AllowReassociation"] = "true"
            try await step.call("AssociateAddress", parameters)
        }
        var found = step.request.planned
        found["publicIP"] = present["publicIP"]
        return found
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        let question = question(step.place, step.request.cluster)
        let items = try await step.heard { try await ec2.listings.fresh(question) }
        if let association = items.first(where: { $0.text(kind.id) == id })?.word("associationId") {
            var parameters = QueryParameters()
            parameters["AssociationId"] = association
            try await step.call("DisassociateAddress", parameters, isRemoval: true)
        }
        try await step.call("ReleaseAddress", ["AllocationId": id], isRemoval: true)
    }
}
