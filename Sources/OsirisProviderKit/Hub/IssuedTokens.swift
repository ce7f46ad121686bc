import Foundation
import OsirisManifest
import OsirisModel
import Synchronization

/// The tokens made by this process, by operation: a second try of a create gets the token of the first.
///
/// In memory only. After a crash nobody knows the clear token, so the hub gets a new one.
public final class IssuedTokens: Sendable {
    private let tokens = Mutex<[String: Secret]>([:])

    public init() {}

    public func token(of request: OperationRequest) -> Secret {
        let key = Self.key(request)
        let early = Self.early(request.address, in: request.cluster)
        return tokens.withLock { tokens in
            if let token = tokens[key] { return token }
            let token = tokens.removeValue(forKey: early) ?? Self.random()
            tokens[key] = token
            return token
        }
    }

    /// The token of a hub that its machine starts by itself: the create of that hub gets the same.
    public func token(of hub: ResourceAddress, in cluster: Cluster) -> Secret {
        let key = Self.early(hub, in: cluster)
        return tokens.withLock { tokens in
            let token = tokens[key] ?? Self.random()
            tokens[key] = token
            return token
        }
    }

    /// Nil if this process made none.
    public func known(_ request: OperationRequest) -> Secret? { tokens.withLock { $0[Self.key(request)] } }

    private static func key(_ request: OperationRequest) -> String {
        "\(request.cluster.folder) \(request.address) \(request.token)"
    }

    /// While no create has asked for it.
    private static func early(_ hub: ResourceAddress, in cluster: Cluster) -> String { "\(cluster.folder) \(hub)" }

    /// 32 bytes of the system's generator, in base64url.
    private static func random() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let text = Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        return Secret(hubToken: text)
    }
}
