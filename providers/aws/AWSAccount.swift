import OsirisManifest
import OsirisModel
import OsirisTransport

/// How a target's account is reached: recorded with every object, so that one whose target has left the manifest can still
/// be removed. Holds no secrets.
struct AWSAccount: Sendable, Hashable {
    /// Of the shared files; nil takes what the environment gives.
    var profile: String?
    /// A role to assume.
    var roleARN: String?
    /// Instead of Amazon's, for an emulator.
    var endpoint: String?

    /// From the `aws` of a target, or from a recorded attribute.
    init(_ value: Value?) {
        let fields = value?.mapValue ?? [:]
        profile = fields["profile"]?.stringValue
        roleARN = fields["roleArn"]?.stringValue
        endpoint = fields["endpoint"]?.stringValue
    }

    /// As an attribute; nil if nothing is chosen.
    var value: Value? {
        var fields: [String: Value] = [:]
        fields["profile"] = profile.map(Value.string)
        fields["roleArn"] = roleARN.map(Value.string)
        fields["endpoint"] = endpoint.map(Value.string)
        return fields.isEmpty ? nil : .map(fields)
    }

    func place(_ region: String) -> AWSPlace {
        AWSPlace(region: region, profile: profile, roleARN: roleARN, endpoint: endpoint)
    }

    /// The places of a manifest's targets, each once.
    static func places(of cluster: Cluster) -> [(place: AWSPlace, account: Value?)] {
        var seen: Set<AWSPlace> = []
        return cluster.targets.filter { $0.provider == AWSProvider.kind }.compactMap { target in
            guard let region = target.settings["region"]?.stringValue else { return nil }
            let account = AWSAccount(target.settings["aws"])
            let place = account.place(region)
            return seen.insert(place).inserted ? (place, account.value) : nil
        }
    }
}
