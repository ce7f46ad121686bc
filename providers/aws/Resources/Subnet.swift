import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `subnet` type: a part of the network in one availability zone.
struct Subnet: EC2Handler {
    static let type = ResourceType(
        name: "subnet", doc: "A part of a target's network in one availability zone.",
        schema: .ec2([
            Field("vpc", .string, required: true, forcesReplacement: true, doc: "The network it is part of."),
            Field(
                "cidr", .string, required: true, forcesReplacement: true, doc: "Its addresses.", example: "10.20.0.0/20"
            ),
            Field("zone", .string, required: true, forcesReplacement: true, doc: "Its zone.", example: "us-east-1a"),
            Field(
                "publicAddresses", .bool, default: true,
                doc: "Whether an instance that is launched in it gets an address on the internet."),
        ]))

    let ec2: EC2
    let kind = EC2Kind.subnet
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        [
            "vpc": .string(item.text("vpcId") ?? ""), "cidr": .string(item.text("cidrBlock") ?? ""),
            "zone": .string(item.text("availabilityZone") ?? ""),
            "publicAddresses": .bool(item.text("mapPublicIpOnLaunch") == "true"),
        ]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["VpcId"] = step["vpc"]
        parameters["CidrBlock"] = step["cidr"]
        parameters["AvailabilityZone"] = step["zone"]
        parameters.tags(kind.tagged, step.tags)
        let (id, _) = try await step.make("CreateSubnet", parameters, "subnet/subnetId")
        return (id, ["publicAddresses": false])
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        let wanted = step.request.planned["publicAddresses"] ?? true
        if present["publicAddresses"] != wanted {
            var parameters = QueryParameters()
            parameters["SubnetId"] = id
            parameters["MapPublicIpOnLaunch.Value"] = wanted == true ? "true" : "false"
            try await step.call("ModifySubnetAttribute", parameters)
        }
        return step.request.planned
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        try await step.call("DeleteSubnet", ["SubnetId": id], isRemoval: true)
    }
}
