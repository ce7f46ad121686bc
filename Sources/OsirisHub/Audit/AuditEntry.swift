import OsirisModel

/// One control call as the audit log keeps it. It holds no secret.
public struct AuditEntry: Codable, Sendable, Equatable {
    /// Milliseconds since 1970, UTC.
    public var time: Int
    /// `Caller.name`, or `unknown` for a caller without a valid token.
    public var caller: String
    /// `HubConfig.Role`, empty for an unknown caller.
    public var role: String
    /// IP address the call came from.
    public var client: String
    /// What was asked for, such as `deploy`.
    public var action: String
    /// `NAMESPACE/NAME`, empty for a call that is about no function.
    public var function = ""
    /// Id of the token that a call made or revoked; else empty.
    public var token = ""
    /// HTTP status of the answer.
    public var status = 0
    /// `HubError.code`, empty when it was done.
    public var code = ""
    /// `X-Call-Id` of the answer.
    public var call: String
    /// Digest of what was deployed or put in its place; else empty.
    public var digest = ""
    /// The function's version after a change; else nil.
    public var version: Int?

    /// The fields of its record; what is empty is left out.
    var fields: [String: Value] {
        var fields: [String: Value] = ["time": .int(time), "status": .int(status)]
        let texts = [
            "caller": caller, "role": role, "client": client, "action": action, "function": function, "code": code,
            "call": call, "digest": digest, "token": token,
        ]
        for (name, text) in texts where !text.isEmpty { fields[name] = .string(text) }
        if let version { fields["version"] = .int(version) }
        return fields
    }
}

/// The log of control calls: only ever added to, each record chained to the one before it; see `AuditChain`.
public protocol AuditLog: Sendable {
    /// Adds a record. It is on disk when this returns.
    func record(_ entry: AuditEntry) async throws
    /// A part of the log.
    /// - Parameters:
    ///   - first: number of the first record wanted, from 1; older ones may have been removed.
    ///   - limit: most records, from 0.
    func audit(from first: Int, limit: Int) async throws -> AuditPage
}

/// A part of the audit log.
public struct AuditPage: Sendable {
    /// Oldest first, each as it was chained.
    public var records: [Value]
    /// Number of the oldest record there is, 0 in an empty log.
    public var oldest: Int
    /// The last record of the whole log.
    public var head: AuditChain.Head
}
