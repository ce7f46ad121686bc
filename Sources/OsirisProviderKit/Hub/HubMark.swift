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

    public init(lineage: String, operation: String, sealedToken: [UInt8]?, authority: String? = nil) {
        self.lineage = lineage
        self.operation = operation
        self.sealedToken = sealedToken
        self.authority = authority
    }

    /// Nil if `value` is not such a mark.
    public init?(_ value: Value) {
        guard let fields = value.mapValue, let lineage = fields["lineage"]?.stringValue,
            let operation = fields["operation"]?.stringValue
        else { return nil }
        let sealed = fields["sealedToken"]?.stringValue.flatMap { Data(base64Encoded: $0) }
        self.init(
            lineage: lineage, operation: operation, sealedToken: sealed.map { Array($0) },
            authority: fields["authority"]?.stringValue)
    }

    public var value: Value {
        var fields: [String: Value] = ["lineage": .string(lineage), "operation": .string(operation)]
        if let sealedToken { fields["sealedToken"] = .string(Data(sealedToken).base64EncodedString()) }
        if let authority { fields["authority"] = .string(authority) }
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
        let clear = Array((token.plaintext ?? "").utf8)
        let sealed = try await request.owner.key().map { try $0.seal(clear, context: context) }
        var marked = self
        marked.mark = HubMark(
            lineage: request.owner.lineage, operation: request.token, sealedToken: sealed,
            authority: authority)
        return marked
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
}

extension Secret {
    /// A hub's token, by an unsalted digest: it is random.
    public init(hubToken text: String) { self.init(digest: Digest.sha256(text.utf8), plaintext: text) }
}
