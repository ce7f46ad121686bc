import OsirisModel

/// What a request wants to do, as far as roles care.
public enum Permission: Sendable, CaseIterable {
    /// Read under `/system`, and the metrics.
    case read
    /// Change functions under `/system`.
    case write
    /// Call a function.
    case invoke
    /// What belongs to the whole hub, such as its tokens, backups and the audit log.
    case admin
}

/// Who sent a request, as far as its token tells.
public struct Caller: Sendable, Equatable {
    /// The token's id; of a token in `hub.json` its role. No secret.
    public var token: String
    /// The token's name, for the logs; no secret.
    public var name: String
    public var role: HubConfig.Role
    /// The only namespaces it may do anything in; nil for all.
    public var namespaces: Set<String>?

    /// - Parameter token: nil for the role.
    public init(token: String? = nil, name: String, role: HubConfig.Role, namespaces: Set<String>? = nil) {
        self.token = token ?? role.rawValue
        self.name = name
        self.role = role
        self.namespaces = namespaces
    }

    /// True if the caller may do that in a namespace.
    func may(_ permission: Permission, in namespace: String) -> Bool {
        may(permission) && (namespaces?.contains(namespace) ?? true)
    }

    /// True if the caller may do that somewhere.
    func may(_ permission: Permission) -> Bool {
        // One that is kept to some namespaces has no say in what belongs to all.
        Access.allows(role, permission) && (permission != .admin || namespaces == nil)
    }

    /// - Throws: `HubError` 403.
    func require(_ permission: Permission, in namespace: String) throws {
        guard may(permission) else { throw Access.forbidden }
        guard may(permission, in: namespace) else { throw Access.otherNamespace }
    }

    /// For what concerns all namespaces at once.
    /// - Throws: `HubError` 403.
    func requireEverywhere(_ permission: Permission) throws {
        guard may(permission) else { throw Access.forbidden }
        guard namespaces == nil else { throw Access.otherNamespace }
    }
}

/// What each role may do. Plain.
public enum Access {
    static let unknown = HubError(401, "unauthorized", "A valid bearer token is needed.")
    static let forbidden = HubError(403, "forbidden", "The token's role does not allow this.")
    static let otherNamespace = HubError(403, "forbidden", "The token is for other namespaces.")

    static func allows(_ role: HubConfig.Role, _ permission: Permission) -> Bool {
        switch (role, permission) {
        case (.admin, _), (.deploy, .read), (.deploy, .write), (.invoke, .invoke), (.read, .read): true
        default: false
        }
    }

    /// The token of an `Authorization` header (RFC 6750, section 2.1), nil without one.
    static func bearer(_ authorization: String?) -> Substring? {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return nil }
        return authorization.dropFirst(7)
    }

    /// Constant-time comparison of two digests.
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
