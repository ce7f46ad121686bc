import OsirisManifest
import OsirisModel

extension Plan {
    /// The plan with the clear values of the manifest's secrets, which a plan file holds only as digests.
    public func withSecrets(of cluster: Cluster) -> Plan {
        var known: [String: Secret] = [:]
        for function in cluster.functions {
            for value in [function.secrets, function.secretFiles, function.env].flatMap(\.values) {
                if case .secret(let secret) = value { known[secret.digest] = secret }
            }
        }
        if known.isEmpty { return self }
        var plan = self
        for index in plan.changes.indices {
            plan.changes[index].arguments = plan.changes[index].arguments.mapValues { $0.completingSecrets(known) }
        }
        return plan
    }
}

extension Value {
    fileprivate func completingSecrets(_ known: [String: Secret]) -> Value {
        switch self {
        case .secret(let secret): .secret(known[secret.digest] ?? secret)
        case .list(let items): .list(items.map { $0.completingSecrets(known) })
        case .map(let entries): .map(entries.mapValues { $0.completingSecrets(known) })
        default: self
        }
    }
}
