import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// `provider: aws`: machines in EC2, and their network.
public struct AWSProvider: Provider {
    static let kind = "aws"
    public let name = Self.kind
    public let targetKind: TargetKind?
    public let handlers: [any ResourceHandler]
    let ec2: EC2
    let images: Images

    private let hubVersion: String

    /// - Parameters:
    ///   - hubVersion: The version of the hub program that belongs to this release.
    ///   - firstBoot: What machines bring by themselves; nil to have all of it brought over SSH.
    public init(hubVersion: String, client: AWSClient, firstBoot: (any FirstBoot)? = nil) {
        self.init(hubVersion: hubVersion, client: client, firstBoot: firstBoot, pace: Pace())
    }

    init(hubVersion: String, client: AWSClient, firstBoot: (any FirstBoot)? = nil, pace: Pace) {
        self.hubVersion = hubVersion
        targetKind = TargetKind(
            provider: name, doc: "Machines in Amazon EC2, with a network of their own.", schema: AWSTarget.schema)
        ec2 = EC2(client, pace: pace)
        images = Images(client)
        handlers = [
            VPC(ec2: ec2), Subnet(ec2: ec2), InternetGateway(ec2: ec2), RouteTable(ec2: ec2), SecurityGroup(ec2: ec2),
            KeyPair(ec2: ec2), Instance(ec2: ec2, images: images, firstBoot: firstBoot), ElasticAddress(ec2: ec2),
            HostKeys(ec2: ec2),
        ]
    }

    /// The network, then the machines; each machine is a root of its own, so that machines take turns.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        try AWSExpansion(target, of: cluster, hubVersion: hubVersion).expansion()
    }
}
