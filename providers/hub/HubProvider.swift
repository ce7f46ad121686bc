import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What hubs need wherever they run: the functions, deployed through their API, and the authority of their certificates.
public struct HubProvider: Provider {
    public let name = "hub"
    public let targetKind: TargetKind? = nil
    public let handlers: [any ResourceHandler]

    /// - Parameters:
    ///   - http: Sends requests to the hubs.
    ///   - now: The clock by which certificates are made.
    public init(http: any HTTPSending, now: @escaping @Sendable () -> Date = { Date() }) {
        handlers = [ClusterAuthority(now: now), HubFunction(http: http)]
    }

    /// Nothing: functions sit on the machines of other providers' targets.
    public func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { Expansion() }
}
