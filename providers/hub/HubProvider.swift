import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// Deploys functions to hubs through their API, whatever the hubs run on.
public struct HubProvider: Provider {
    public let name = "hub"
    public let targetKind: TargetKind? = nil
    public let handlers: [any ResourceHandler]

    /// - Parameter send: Sends requests to the hubs.
    public init(send: @escaping HubClient.Send) { handlers = [HubFunction(send: send)] }

    /// Nothing: functions sit on the machines of other providers' targets.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { Expansion() }
}
