import OsirisTransport

/// One kind of EC2 object: what it is called where
/// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html).
struct EC2Kind: Hashable, Sendable {
    /// Of the resource type.
    var type: String
    /// In a TagSpecification.
    var tagged: String
    /// The action that lists them.
    var action: String
    /// Path of the list in its answer.
    var items: String
    /// The element with the identity.
    var id: String
    /// The filter by identity.
    var idFilter: String
    /// Besides the mark of the cluster.
    var filters: [String: [String]] = [:]
    /// What else is sent.
    var parameters: QueryParameters = [:]
}

extension EC2Kind {
    static let vpc = EC2Kind(
        type: "vpc", tagged: "vpc", action: "DescribeVpcs", items: "vpcSet", id: "vpcId", idFilter: "vpc-id")
    static let subnet = EC2Kind(
        type: "subnet", tagged: "subnet", action: "DescribeSubnets", items: "subnetSet", id: "subnetId",
        idFilter: "subnet-id")
    static let gateway = EC2Kind(
        type: "internetGateway", tagged: "internet-gateway", action: "DescribeInternetGateways",
        items: "internetGatewaySet", id: "internetGatewayId", idFilter: "internet-gateway-id")
    static let routeTable = EC2Kind(
        type: "routeTable", tagged: "route-table", action: "DescribeRouteTables", items: "routeTableSet",
        id: "routeTableId", idFilter: "route-table-id")
    static let securityGroup = EC2Kind(
        type: "securityGroup", tagged: "security-group", action: "DescribeSecurityGroups", items: "securityGroupInfo",
        id: "groupId", idFilter: "group-id")
    static let keyPair = EC2Kind(
        type: "keyPair", tagged: "key-pair", action: "DescribeKeyPairs", items: "keySet", id: "keyPairId",
        idFilter: "key-pair-id", parameters: ["IncludePublicKey": "true"])
    /// Those that have ended are still listed for a while.
    static let instance = EC2Kind(
        type: "instance", tagged: "instance", action: "DescribeInstances", items: "reservationSet", id: "instanceId",
        idFilter: "instance-id",
        filters: ["instance-state-name": ["pending", "running", "stopping", "stopped", "shutting-down"]])
    static let volume = EC2Kind(
        type: "volume", tagged: "volume", action: "DescribeVolumes", items: "volumeSet", id: "volumeId",
        idFilter: "volume-id")
    static let address = EC2Kind(
        type: "elasticAddress", tagged: "elastic-ip", action: "DescribeAddresses", items: "addressesSet",
        id: "allocationId", idFilter: "allocation-id")
}

extension XMLNode {
    /// The tags of an item.
    var tags: [String: String] {
        var tags: [String: String] = [:]
        for tag in items("tagSet") { if let key = tag.text("key") { tags[key] = tag.text("value") ?? "" } }
        return tags
    }

    /// Text that is not empty.
    func word(_ path: String) -> String? { text(path).flatMap { $0.isEmpty ? nil : $0 } }
}
