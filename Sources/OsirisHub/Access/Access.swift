import OsirisModel

/// What a request wants to do, as far as roles care.
public enum Permission: Sendable, CaseIterable {
    /// Read under `/system`, and the metrics.
    case read
    /// Change functions under `/system`.
    case write
    /// Call a function.
    case invoke
    /// What belongs to the whole hub, such as backups and the audit log.
    case admin
}

/// Who sent a request, as far as its token tells.
public struct Caller: Sendable, Equatable {
    /// The token's name, for the logs; no secret.
    public var name: String
    public var role: HubConfig.Role

    /// True if the caller may do that in a namespace.
    func may(_ permission: Permission, in namespace: String) -> Bool { Access.allows(role, permission) }

    /// - Throws: `HubError` 403.
    func require(_ permission: Permission, in namespace: String) throws {
        guard may(permission, in: namespace) else { throw Access.forbidden }
    }
}

/// Decides who may do what. Plain: a header in, a caller out.
public struct Access: Sendable {
    static let unknown = HubError(401, "unauthorized", "A valid bearer token is needed.")
    static let forbidden = HubError(403, "forbidden", "The token's role does not allow this.")

    private let tokens: [HubConfig.Token]

    /// - Parameter tokens: the accepted tokens as digests.
    public init(tokens: [HubConfig.Token]) { self.tokens = tokens }

    /// Judges the value of an `Authorization` header (RFC 6750, section 2.1).
    /// - Throws: `HubError` 401 without one of our tokens, 403 when its role does not allow this anywhere.
    public func caller(authorization: String?, for permission: Permission) throws -> Caller {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { throw Self.unknown }
        let digest = Array(Digest.sha256(authorization.dropFirst(7).utf8).utf8)
        // Every token is compared, and every byte of it, so the time taken tells nothing about a near miss.
        var known: [HubConfig.Token] = []
        for token in tokens where Self.equal(digest, Array(token.sha256.utf8)) { known.append(token) }
        guard !known.isEmpty else { throw Self.unknown }
        guard let token = known.first(where: { Self.allows($0.role, permission) }) else { throw Self.forbidden }
        return Caller(name: token.role.rawValue, role: token.role)
    }

    /// Constant-time comparison of two digests.
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    static func allows(_ role: HubConfig.Role, _ permission: Permission) -> Bool {
        switch (role, permission) {
        case (.admin, _), (.deploy, .read), (.deploy, .write), (.invoke, .invoke), (.read, .read): true
        default: false
        }
    }
}
