import OsirisManifest
import OsirisModel

extension Plan {
    /// The plan with the clear values of the manifest's secrets, which a plan file holds only as digests.
    public func withSecrets(of cluster: Cluster) -> Plan {
        let known = cluster.clearSecrets
        if known.isEmpty { return self }
        var plan = self
        for index in plan.changes.indices {
            plan.changes[index].arguments = plan.changes[index].arguments.mapValues { value in
                value.mappingSecrets { known[$0.digest] ?? $0 }
            }
        }
        return plan
    }
}

extension Cluster {
    /// The manifest's secrets, by digest.
    public var clearSecrets: [String: Secret] {
        var known: [String: Secret] = [:]
        for function in functions {
            for value in [function.secrets, function.secretFiles, function.env].flatMap(\.values) {
                value.forEachSecret { known[$0.digest] = $0 }
            }
        }
        for alert in hub.alerts { alert.value.forEachSecret { known[$0.digest] = $0 } }
        return known
    }
}
