import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `routeTable` type: where packets of the subnets go, and which subnets it is for.
struct RouteTable: EC2Handler {
    static let type = ResourceType(
        name: "routeTable", doc: "The routes of a target's subnets: to each other, and to the internet.",
        schema: .ec2([
            Field("vpc", .string, required: true, forcesReplacement: true, doc: "The network it belongs to."),
            Field("gateway", .string, required: true, doc: "Where everything goes that is not for the network."),
            Field("subnets", .list(of: .string), required: true, unordered: true, doc: "The subnets it is for."),
        ]))

    let ec2: EC2
    let kind = EC2Kind.routeTable
    var type: ResourceType { Self.type }

    private static let everywhere = "0.0.0.0/0"

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        let route = item.items("routeSet").first { $0.text("destinationCidrBlock") == Self.everywhere }
        let subnets = item.items("associationSet").compactMap { $0.word("subnetId") }
        return [
            "vpc": .string(item.text("vpcId") ?? ""), "gateway": .string(route?.word("gatewayId") ?? ""),
            "subnets": .list(subnets.map(Value.string)),
        ]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["VpcId"] = step["vpc"]
        parameters["ClientToken"] = step.request.token
        parameters.tags(kind.tagged, step.tags)
        let (id, _) = try await step.make("CreateRouteTable", parameters, "routeTable/routeTableId")
        return (id, ["gateway": "", "subnets": []])
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        if present["gateway"] != step.request.planned["gateway"] {
            var parameters = QueryParameters()
            parameters["RouteTableId"] = id
            parameters["DestinationCidrBlock"] = Self.everywhere
            parameters["GatewayId"] = step["gateway"]
            if present["gateway"] == "" {
                if try await step.call("CreateRoute", parameters, settled: ["RouteAlreadyExists"]) == nil {
                    try await step.call("ReplaceRoute", parameters)
                }
            } else {
                try await step.call("ReplaceRoute", parameters)
            }
        }
        let wanted = step.request.planned["subnets"]?.listValue?.compactMap(\.stringValue) ?? []
        let there = present["subnets"]?.listValue?.compactMap(\.stringValue) ?? []
        try await associate(step, id, wanted.filter { !there.contains($0) })
        let gone = Set(there).subtracting(wanted)
        if !gone.isEmpty { try await dissociate(step, id) { gone.contains($0) } }
        return step.request.planned
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        try await dissociate(step, id) { _ in true }
        try await step.call("DeleteRouteTable", ["RouteTableId": id], isRemoval: true)
    }

    /// A subnet has one route table: where it has another one, it is taken from that.
    private func associate(_ step: EC2Step, _ id: String, _ subnets: [String]) async throws {
        if subnets.isEmpty { return }
        let present = try await associations(step, of: subnets)
        for subnet in subnets {
            var held = present[subnet]
            if held == nil {
                var parameters = QueryParameters()
                parameters["RouteTableId"] = id
                parameters["SubnetId"] = subnet
                if try await step.call("AssociateRouteTable", parameters, settled: ["Resource.AlreadyAssociated"])
                    != nil
                {
                    continue
                }
                // Somebody was faster.
                held = try await associations(step, of: [subnet])[subnet]
            }
            guard let held else {
                throw ProviderError(
                    .rejected,
                    "\(step.request.address): EC2 says that \(subnet) has a route table already, and lists none of it",
                    help: "apply again", attribute: "subnets")
            }
            if held.table == id { continue }
            step.request.progress("taking \(subnet) from \(held.table)")
            var parameters = QueryParameters()
            parameters["AssociationId"] = held.id
            parameters["RouteTableId"] = id
            try await step.call("ReplaceRouteTableAssociation", parameters)
        }
    }

    /// By subnet: the route table it has now, whoever made that.
    private func associations(
        _ step: EC2Step, of subnets: [String]
    ) async throws -> [String: (id: String, table: String)] {
        let tables: [XMLNode]
        do {
            tables = try await step.heard {
                try await ec2.client.items(kind, ["association.subnet-id": subnets], step.place)
            }
        } catch let error as AWSError {
            throw step.failure(error)
        }
        var found: [String: (id: String, table: String)] = [:]
        for table in tables {
            for association in table.items("associationSet") {
                guard let subnet = association.word("subnetId"), let id = association.word("routeTableAssociationId"),
                    let table = table.word(kind.id)
                else { continue }
                found[subnet] = (id, table)
            }
        }
        return found
    }

    private func dissociate(_ step: EC2Step, _ id: String, _ isGone: (String) -> Bool) async throws {
        let items = try await ec2.listings.fresh(question(step.place, step.request.cluster))
        for association in items.first(where: { $0.text(kind.id) == id })?.items("associationSet") ?? [] {
            guard let subnet = association.word("subnetId"), isGone(subnet),
                let number = association.word("routeTableAssociationId")
            else { continue }
            var parameters = QueryParameters()
            parameters["AssociationId"] = number
            try await step.call("DisassociateRouteTable", parameters, isRemoval: true)
        }
    }
}
