import Foundation
import OsirisModel
import OsirisTransport

/// What the provisioner leaves for itself in a hub's `hub.json`, under `osiris`: whose the hub is, and the key to it.
public struct HubMark: Sendable, Equatable {
    /// Of the state.
    public var lineage: String
    /// Token of the operation that wrote it.
    public var operation: String
    /// The admin token under the state's key, bound to cluster and address; nil if there was no key.
    public var sealedToken: [UInt8]?
    /// The certificates of the authorities by which the hub is known, PEM; nil for one without TLS.
    public var authority: String?
    /// The keys of these authorities under the state's key, bound to cluster and certificates; nil if there was no key.
    public var sealedAuthorityKey: [UInt8]?

    public init(
        lineage: String, operation: String, sealedToken: [UInt8]?, authority: String? = nil,
        sealedAuthorityKey: [UInt8]? = nil
    ) {
        self.lineage = lineage
        self.operation = operation
        self.sealedToken = sealedToken
        self.authority = authority
        self.sealedAuthorityKey = sealedAuthorityKey
    }

    /// Nil if `value` is not such a mark.
    public init?(_ value: Value) {
        guard let fields = value.mapValue, let lineage = fields["lineage"]?.stringValue,
            let operation = fields["operation"]?.stringValue
        else { return nil }
        func bytes(_ name: String) -> [UInt8]? {
            fields[name]?.stringValue.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
        }
        self.init(
            lineage: lineage, operation: operation, sealedToken: bytes("sealedToken"),
            authority: fields["authority"]?.stringValue, sealedAuthorityKey: bytes("sealedAuthorityKey"))
    }

    public var value: Value {
        var fields: [String: Value] = ["lineage": .string(lineage), "operation": .string(operation)]
        if let sealedToken { fields["sealedToken"] = .string(Data(sealedToken).base64EncodedString()) }
        if let authority { fields["authority"] = .string(authority) }
        if let sealedAuthorityKey {
            fields["sealedAuthorityKey"] = .string(Data(sealedAuthorityKey).base64EncodedString())
        }
        return .map(fields)
    }
}

extension HubConfiguration {
    /// With the mark of the operation's owner; as it is where nobody owns it.
    /// - Throws: What asking for the state's key throws, or `SealingError`.
    public func marked(by request: OperationRequest, token: Secret) async throws -> HubConfiguration {
        let authority = request.planned["authority"]?.stringValue
        // Without a state there is nothing to rebuild; by what a hub is known, its reads have to know all the same.
        if request.owner.lineage.isEmpty && authority == nil { return self }
        let key = try await request.owner.key()
        var mark = HubMark(
            lineage: request.owner.lineage, operation: request.token,
            sealedToken: try key.map { try $0.seal(Array((token.plaintext ?? "").utf8), context: context) },
            authority: authority)
        if let authority, let keys = request.planned["authorityKey"]?.stringValue {
            mark.sealedAuthorityKey = try key.map {
                try $0.seal(Array(keys.utf8), context: authorityContext(authority))
            }
        }
        var marked = self
        marked.mark = mark
        return marked
    }

    /// By what the hub is known, as an earlier mark of it says: for one that gets another address alone.
    public mutating func keepAuthority(of earlier: HubMark?) {
        mark?.authority = earlier?.authority
        mark?.sealedAuthorityKey = earlier?.sealedAuthorityKey
    }

    /// The keys of the authorities, if the mark has them and `key` opens them.
    public func authorityKey(_ key: Sealer?) -> Secret? {
        guard let key, let authority = mark?.authority, let sealed = mark?.sealedAuthorityKey,
            let clear = try? key.open(sealed, context: authorityContext(authority))
        else { return nil }
        return AuthorityResource.key(of: authority, clear: String(decoding: clear, as: UTF8.self))
    }

    /// The admin token, if the mark has one that `key` opens and that is the hub's.
    public func adminToken(_ key: Sealer?) -> Secret? {
        guard let key, let sealed = mark?.sealedToken, let clear = try? key.open(sealed, context: context) else {
            return nil
        }
        let token = String(decoding: clear, as: UTF8.self)
        return HubRole.configuration(admin: token) == tokens ? Secret(hubToken: token) : nil
    }

    private var context: [UInt8] { Array("osiris:hub token:\(cluster):\(address)".utf8) }

    private func authorityContext(_ certificates: String) -> [UInt8] {
        Array("osiris:authority key:\(cluster):\(Digest.sha256(certificates.utf8))".utf8)
    }
}

extension Secret {
    /// A hub's token, by an unsalted digest: it is random.
    public init(hubToken text: String) { self.init(digest: Digest.sha256(text.utf8), plaintext: text) }
}
