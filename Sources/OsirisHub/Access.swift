import OsirisModel

/// What a request wants to do, as far as roles care.
public enum Permission: Sendable, CaseIterable {
    /// Read under `/system`, and the metrics.
    case read
    /// Change functions under `/system`.
    case write
    /// Call a function.
    case invoke
}

/// Decides who may do what. Plain: a header in, a verdict out.
public struct Access: Sendable {
    /// The verdict over one request.
    public enum Verdict: Sendable, Equatable {
        case allowed
        /// No token, or none of ours: 401.
        case unknown
        /// One of ours, but not for this: 403.
        case forbidden
    }

    private let tokens: [HubConfig.Token]

    /// - Parameter tokens: the accepted tokens as digests.
    public init(tokens: [HubConfig.Token]) { self.tokens = tokens }

    /// Judges the value of an `Authorization` header (RFC 6750, section 2.1).
    public func verdict(authorization: String?, for permission: Permission) -> Verdict {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return .unknown }
        let digest = Array(Digest.sha256(authorization.dropFirst(7).utf8).utf8)
        // Every token is compared, and every byte of it, so the time taken tells nothing about a near miss.
        var known = false
        var allowed = false
        for token in tokens where Self.equal(digest, Array(token.sha256.utf8)) {
            known = true
            allowed = allowed || Self.allows(token.role, permission)
        }
        return allowed ? .allowed : known ? .forbidden : .unknown
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
