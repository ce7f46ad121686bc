import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Deploys functions to hubs through their API, whatever the hubs run on.
public struct HubProvider: Provider {
    public let name = "hub"
    public let targetKind: TargetKind? = nil
    public let handlers: [any ResourceHandler]

    /// - Parameter http: Sends requests to the hubs.
    public init(http: any HTTPSending) { handlers = [HubFunction(http: http)] }

    /// Nothing: functions sit on the machines of other providers' targets.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { Expansion() }
}
