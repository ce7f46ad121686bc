import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `securityGroup` type: who may connect to the instances. Everything they send out is allowed, as EC2 begins with.
struct SecurityGroup: EC2Handler {
    static let type = ResourceType(
        name: "securityGroup", doc: "Who may connect to the instances of a target.",
        schema: .ec2([
            Field("vpc", .string, required: true, forcesReplacement: true, doc: "The network it belongs to."),
            Field(
                "name", .string, required: true, forcesReplacement: true,
                // Made from the target's name, which may be another by now.
                keeps: { _, _ in true },
                doc: "Its name, one of its kind in the network."),
            Field(
                "rules", .map(of: .string), default: [:],
                doc:
                    "What each rule is for, by protocol, ports and source: `tcp 22 203.0.113.0/24`. Rules are added and "
                    + "removed one by one."),
        ]))

    let ec2: EC2
    let kind = EC2Kind.securityGroup
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        var rules: [String: Value] = [:]
        for permission in item.items("ipPermissions") {
            let sources =
                permission.items("ipRanges").map { ($0.text("cidrIp"), $0.text("description")) }
                + permission.items("ipv6Ranges").map { ($0.text("cidrIpv6"), $0.text("description")) }
                + permission.items("groups").map { ($0.text("groupId"), $0.text("description")) }
                + permission.items("prefixListIds").map { ($0.text("prefixListId"), $0.text("description")) }
            for (source, purpose) in sources {
                let rule = SecurityRule(
                    transport: permission.text("ipProtocol") ?? "-1", first: permission.word("fromPort") ?? "",
                    last: permission.word("toPort") ?? "", source: source ?? "")
                rules[rule.text] = .string(purpose ?? "")
            }
        }
        return [
            "vpc": .string(item.text("vpcId") ?? ""), "name": .string(item.text("groupName") ?? ""),
            "rules": .map(rules),
        ]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["GroupName"] = step["name"]
        parameters["GroupDescription"] = "osiris \(step.request.address)"
        parameters["VpcId"] = step["vpc"]
        parameters.tags(kind.tagged, step.tags)
        let (id, _) = try await step.make("CreateSecurityGroup", parameters, "groupId")
        return (id, ["rules": [:]])
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        let wanted = step.request.planned["rules"]?.mapValue ?? [:]
        let there = present["rules"]?.mapValue ?? [:]
        // The old ones go last: if EC2 does not take the new ones, whoever could connect still can.
        try await change(
            step, id, "AuthorizeSecurityGroupIngress", wanted.filter { there[$0.key] == nil },
            settled: "InvalidPermission.Duplicate")
        // EC2 takes a rule with another purpose for the same rule.
        let renamed = wanted.filter { there[$0.key] != nil && there[$0.key] != $0.value }
        if !renamed.isEmpty {
            try await step.call(
                "UpdateSecurityGroupRuleDescriptionsIngress", SecurityRule.parameters(renamed, id))
        }
        try await change(
            step, id, "RevokeSecurityGroupIngress", there.filter { wanted[$0.key] == nil },
            settled: "InvalidPermission.NotFound")
        return step.request.planned
    }

    /// All in one call; if one of them is as asked already, which refuses them all, one by one
    /// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html).
    /// - Parameter settled: the code of that error.
    private func change(
        _ step: EC2Step, _ id: String, _ action: String, _ rules: [String: Value], settled: String
    ) async throws {
        guard !rules.isEmpty,
            try await step.call(action, SecurityRule.parameters(rules, id), settled: [settled]) == nil, rules.count > 1
        else { return }
        for rule in rules.sorted(by: { $0.key < $1.key }) {
            try await step.call(action, SecurityRule.parameters([rule.key: rule.value], id), settled: [settled])
        }
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        try await step.call("DeleteSecurityGroup", ["GroupId": id], isRemoval: true)
    }
}

/// One rule that lets connections in.
struct SecurityRule: Sendable, Hashable {
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    var transport: String
    /// Ports, empty where the protocol has none.
    var first: String
    var last: String
    /// A block of addresses, a group `sg-…` or a prefix list `pl-…`.
    var source: String

    init(transport: String, first: String, last: String, source: String) {
        (self.transport, self.first, self.last, self.source) = (transport, first, last, source)
    }

    /// Reads what `text` wrote.
    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3 else { return nil }
        // A port from -1 stands for all kinds of ICMP.
        let ports = words[1].isEmpty ? [] : words[1].components(separatedBy: "..")
        self.init(
            transport: words[0], first: ports.first ?? "", last: ports.last ?? "", source: words[2])
    }

    /// `tcp 22 203.0.113.0/24`, `tcp 80..90 sg-1`.
    var text: String { "\(transport) \(first == last ? first : "\(first)..\(last)") \(source)" }

    static func parameters(_ rules: [String: Value], _ group: String) -> QueryParameters {
        var parameters = QueryParameters()
        parameters["GroupId"] = group
        for (index, (text, purpose)) in rules.sorted(by: { $0.key < $1.key }).enumerated() {
            guard let rule = SecurityRule(text) else { continue }
            let name = "IpPermissions.\(index + 1)"
            parameters["\(name).IpProtocol"] = rule.transport
            if !rule.first.isEmpty {
                parameters["\(name).FromPort"] = rule.first
                parameters["\(name).ToPort"] = rule.last
            }
            let (list, key) =
                if rule.source.hasPrefix("sg-") {
                    ("Groups", "GroupId")
                } else if rule.source.hasPrefix("pl-") {
                    ("PrefixListIds", "PrefixListId")
                } else if rule.source.contains(":") {
                    ("Ipv6Ranges", "CidrIpv6")
                } else {
                    ("IpRanges", "CidrIp")
                }
            parameters["\(name).\(list).1.\(key)"] = rule.source
            if let purpose = purpose.stringValue, !purpose.isEmpty {
                parameters["\(name).\(list).1.Description"] = purpose
            }
        }
        return parameters
    }
}
