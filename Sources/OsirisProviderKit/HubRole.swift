import OsirisModel

/// What a hub token may do. The provisioner keeps the admin token alone; the others follow from it.
public enum HubRole: String, Sendable, CaseIterable {
    case admin, deploy, invoke, read

    /// The token of this role: HMAC-SHA-256 of the role's name under the admin token, in hexadecimal. Nobody can get
    /// from it to the admin token or to another role's.
    public func token(fromAdmin admin: String) -> String {
        self == .admin ? admin : Digest.hex(Digest.hmacSHA256(key: admin.utf8, "osiris role \(rawValue)".utf8))
    }

    /// The `tokens` entry of a hub's configuration: every role with the digest of its token.
    public static func configuration(admin: String) -> Value {
        .list(
            allCases.map { role in
                [
                    "role": .string(role.rawValue),
                    "sha256": .string(Digest.sha256(role.token(fromAdmin: admin).utf8)),
                ]
            })
    }
}
