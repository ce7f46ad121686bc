import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// A target with `provider: aws`.
struct AWSTarget: Sendable {
    var cloud: CloudTarget
    var account: AWSAccount
    /// One for each subnet.
    var zones: [String]
    /// Whether machines keep their address when they are replaced.
    var elasticAddresses: Bool

    /// Pure, but for the file of the public key.
    /// - Throws: `DiagnosticsError` with every fault.
    init(_ target: Target, of cluster: Cluster) throws(DiagnosticsError) {
        cloud = try CloudTarget(target, of: cluster)
        let own = target.settings["aws"]?.mapValue ?? [:]
        account = AWSAccount(target.settings["aws"])
        elasticAddresses = own["elasticAddresses"]?.boolValue ?? false
        let letters = ["a", "b", "c"]
        let region = cloud.region
        let named = own["zones"]?.listValue?.compactMap(\.stringValue) ?? []
        let choice = named.isEmpty ? letters.map { region + $0 } : named
        zones = cloud.subnets.indices.map { choice[$0 % choice.count] }
        var faults = Self.misspelt(target, tags: cloud.tags, publicKey: cloud.publicKey)
        for (index, zone) in named.enumerated() where !zone.hasPrefix(region) || zone == region {
            faults.append(
                Diagnostic(
                    .invalidPattern, "target \(target.name): `\(zone)` is not a zone of \(region)",
                    at: target.spans["aws.zones.\(index)"], help: "such as \(region)a"))
        }
        if elasticAddresses && !cloud.publicAddress {
            faults.append(
                Diagnostic(
                    .conflictingKeys, "target \(target.name): elastic addresses are addresses on the internet",
                    at: target.spans["aws.elasticAddresses"], help: "take `machines.publicAddress: false` out"))
        }
        if !faults.isEmpty { throw DiagnosticsError(faults) }
    }

    /// The targets of a manifest that say how large the disks are.
    static func namesWithDisk(_ cluster: Cluster) -> Set<String> {
        Set(
            cluster.targets.filter {
                $0.provider == AWSProvider.kind && $0.settings["machines"]?.mapValue?["disk"]?.intValue != nil
            }
            .map(\.name))
    }

    static let schema = CloudTarget.schema(
        of: AWSProvider.kind, regionExample: "us-east-1", typeExample: "t3.small",
        imageDoc: """
            The image: a word (\(ImageName.known)), `ami-…`, `OWNER/NAME` with `*` for any text, or `ssm:/PATH` of a \
            parameter of Systems Manager. Words and names lead to the newest image when a machine is made; a newer one \
            replaces no machine.
            """, imageExample: "debian-12", own: own)

    private static let own = Schema([
        Field(
            "profile", .string,
            doc: "The profile of `~/.aws/config` or `~/.aws/credentials`; without it as the environment says.",
            example: "staging"),
        Field(
            "roleArn", .string, doc: "A role to assume with these credentials.",
            example: "arn:aws:iam::123456789012:role/osiris"),
        Field(
            "endpoint", .string, doc: "Where the API is, for an emulator; without it as the environment says.",
            example: "http://127.0.0.1:5000"),
        Field(
            "zones", .list(of: .string),
            doc: "Availability zones of the subnets, in turn; without it the region's first three, a, b and c.",
            example: "[us-east-1a, us-east-1b]"),
        Field(
            "elasticAddresses", .bool, default: false,
            doc: "Whether each machine has an elastic address, which stays when the machine is replaced.",
            example: "true"),
    ])
}
