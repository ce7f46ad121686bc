/// A token that somebody made on this hub, as the catalog keeps it: its digest and what it is good for.
public struct AccessToken: Sendable, Equatable {
    /// 8 of a-z and 0-9; part of the clear token.
    public var id: String
    /// For people: 1 to 100 printable characters, one token for each name.
    public var name: String
    public var role: HubConfig.Role
    /// The only namespaces it is good for, sorted; nil for all.
    public var namespaces: [String]?
    /// Seconds since 1970, UTC.
    public var created: Double
    /// Name of the token that made it.
    public var createdBy: String
    /// From when on it is unknown: seconds since 1970, UTC; nil for never.
    public var expires: Double?
    /// When it last came with a request, up to a minute late: seconds since 1970, UTC; nil for never.
    public var lastUsed: Double?
    /// Nil for the hub's own.
    public var rate: Rate?
    /// `sha256:` and 64 hexadecimal digits, over the clear token.
    public var sha256: String

    /// True if somebody asked for the same token again; its times aside.
    func isSame(as other: AccessToken) -> Bool {
        var other = other
        (other.created, other.createdBy) = (created, createdBy)
        (other.expires, other.lastUsed) = (expires, lastUsed)
        return self == other
    }
}

/// Where a hub keeps its tokens. What a call has stored survives the loss of the process.
public protocol TokenStore: Sendable {
    /// All of them, by time of creation.
    func tokens() async throws -> [AccessToken]
    /// Adds one.
    /// - Returns: false, and nothing is changed, if its id or its name is taken.
    func add(_ token: AccessToken) async throws -> Bool
    /// Forgets one.
    /// - Returns: false if there is none.
    func removeToken(_ id: String) async throws -> Bool
    /// Keeps when tokens were last used, by id.
    func noteUse(_ times: [String: Double]) async throws
}

extension AccessToken: Encodable {
    private enum CodingKeys: CodingKey {
        case id, name, role, namespaces, created, createdBy, expires, lastUsed, rate
    }

    /// As `GET /system/tokens` shows it: without the digest, and with a null for what it has not.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encode(namespaces, forKey: .namespaces)
        try container.encode(created, forKey: .created)
        try container.encode(createdBy, forKey: .createdBy)
        try container.encode(expires, forKey: .expires)
        try container.encode(lastUsed, forKey: .lastUsed)
        try container.encode(rate, forKey: .rate)
    }
}
