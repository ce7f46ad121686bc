import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `internetGateway` type: the network's way to the internet, attached to it.
struct InternetGateway: EC2Handler {
    static let type = ResourceType(
        name: "internetGateway", doc: "The way of a target's network to the internet.",
        schema: .ec2([
            Field("vpc", .string, required: true, forcesReplacement: true, doc: "The network it belongs to."),
            Field("attached", .bool, default: true, doc: "Whether it is attached to the network."),
        ]))

    let ec2: EC2
    let kind = EC2Kind.gateway
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        let vpc = item.items("attachmentSet").first?.word("vpcId")
        return [
            "vpc": vpc.map(Value.string) ?? recorded["vpc"] ?? .string(""), "attached": .bool(vpc != nil),
        ]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters.tags(kind.tagged, step.tags)
        let (id, _) = try await step.make(
            "CreateInternetGateway", parameters, "internetGateway/internetGatewayId")
        return (id, ["attached": false])
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        if present["attached"] == false || present["vpc"] != step.request.planned["vpc"] {
            var parameters = QueryParameters()
            parameters["InternetGatewayId"] = id
            parameters["VpcId"] = step["vpc"]
            if try await step.call("AttachInternetGateway", parameters, settled: ["Resource.AlreadyAssociated"]) == nil
            {
                try await checkAttachment(step, id)
            }
        }
        return step.request.planned.merging(["attached": true]) { $1 }
    }

    /// - Throws: `ProviderError` unless it is attached to the planned network: EC2 says no more than that it is attached.
    private func checkAttachment(_ step: EC2Step, _ id: String) async throws {
        let items: [XMLNode]
        do {
            items = try await step.heard { try await ec2.client.items(kind, [kind.idFilter: [id]], step.place) }
        } catch let error as AWSError {
            throw step.failure(error)
        }
        let network = items.first?.items("attachmentSet").first?.word("vpcId")
        if network == step["vpc"] { return }
        throw ProviderError(
            .rejected,
            "\(step.request.address): \(id) is attached to \(network ?? "another network"), not to \(step["vpc"])",
            help: "detach it there; or plan again, which makes another one", attribute: "vpc")
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        var parameters = QueryParameters()
        parameters["InternetGatewayId"] = id
        if let vpc = step.request.prior["vpc"]?.stringValue, !vpc.isEmpty, step.request.prior["attached"] != false {
            var detach = parameters
            detach["VpcId"] = vpc
            try await step.call("DetachInternetGateway", detach, settled: ["Gateway.NotAttached"], isRemoval: true)
        }
        try await step.call("DeleteInternetGateway", parameters, isRemoval: true)
    }
}
