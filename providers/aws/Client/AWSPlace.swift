import OsirisTransport

/// Where calls go and as whom: one account in one region.
public struct AWSPlace: Hashable, Sendable {
    /// Such as `eu-central-1`.
    public var region: String
    /// A profile of the shared files, chosen in the manifest: the environment's keys do not count then.
    public var profile: String?
    /// A role to assume with the credentials found.
    public var roleARN: String?
    /// `http://HOST:PORT` of all services, such as an emulator's; nil asks the settings, and then takes AWS's own.
    public var endpoint: String?

    public init(region: String, profile: String? = nil, roleARN: String? = nil, endpoint: String? = nil) {
        self.region = region
        self.profile = profile
        self.roleARN = roleARN
        self.endpoint = endpoint
    }

    var identity: AWSIdentity { AWSIdentity(profile: profile, roleARN: roleARN) }
}

/// A service of AWS that is called here, and the version of its API.
public struct AWSService: Hashable, Sendable {
    public var name: AWSServiceName
    /// Of the Query protocol; empty for services with JSON.
    public var version: String

    /// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
    public static let ec2 = AWSService(name: AWSServiceName(host: "ec2"), version: "2016-11-15")
    /// https://docs.aws.amazon.com/STS/latest/APIReference/
    public static let sts = AWSService(name: AWSServiceName(host: "sts"), version: "2011-06-15")
    /// https://docs.aws.amazon.com/systems-manager/latest/APIReference/
    public static let ssm = AWSService(name: AWSServiceName(host: "ssm"), version: "")
    /// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/
    public static let quotas = AWSService(
        name: AWSServiceName(host: "servicequotas", setting: "service_quotas"), version: "")
}
