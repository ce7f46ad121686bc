import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `vpc` type: the network of a target.
struct VPC: EC2Handler {
    static let type = ResourceType(
        name: "vpc", doc: "The network of a target.",
        schema: .ec2([
            Field(
                "cidr", .string, required: true, forcesReplacement: true, doc: "Its addresses.", example: "10.20.0.0/16"
            )
        ]))

    let ec2: EC2
    let kind = EC2Kind.vpc
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        ["cidr": .string(item.text("cidrBlock") ?? "")]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["CidrBlock"] = step["cidr"]
        parameters.tags(kind.tagged, step.tags)
        return try await step.make("CreateVpc", parameters, "vpc/vpcId")
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        step.request.planned
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        try await step.call("DeleteVpc", ["VpcId": id], isRemoval: true)
    }
}
