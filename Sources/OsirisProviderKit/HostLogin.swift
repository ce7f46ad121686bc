import Foundation
import OsirisModel
import OsirisTransport

/// How to log in on a host over SSH: what a `host` resource records, so that its host can be reached after its target has
/// left the manifest too. Holds no secrets.
public struct HostLogin: Sendable, Hashable {
    /// Passwords and passphrases: never recorded, but taken from the manifest at each run.
    public struct Secrets: Sendable, Hashable, CustomReflectable {
        /// Of the user on the host; nil for one who logs in with keys.
        public var password: String?
        /// Of the private keys.
        public var passphrase: String?

        public init(password: String? = nil, passphrase: String? = nil) {
            self.password = password
            self.passphrase = passphrase
        }

        /// Those of a target's settings, under `password` and `passphrase`.
        public init(_ settings: Attributes) {
            self.init(password: settings["password"]?.stringValue, passphrase: settings["passphrase"]?.stringValue)
        }

        public static let none = Secrets()

        public var isEmpty: Bool { password == nil && passphrase == nil }

        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// Name or IP address, as the manifest has it; `Host` blocks of `~/.ssh/config` are looked up by it.
    public var address: String
    /// Nil: as `~/.ssh/config` says, else 22.
    public var port: Int?
    /// Nil: as `~/.ssh/config` says, else the user who runs osiris.
    public var user: String?
    /// Paths of private keys; `~/` and paths from the manifest's folder are fine. Empty: as `~/.ssh/config` says, else
    /// OpenSSH's own names.
    public var identity: [String]
    /// Whether the keys of the agent at `SSH_AUTH_SOCK` are tried.
    public var agent: Bool
    /// `[user@]host[:port]`, the nearest first; nil: as `~/.ssh/config` says.
    public var jump: [String]?
    /// True if a password or a passphrase of the manifest belongs to it: without the manifest the login may not work.
    public var hasSecrets = false
    /// Path of the file of known host keys; nil: as `~/.ssh/config` says, else OpenSSH's own files.
    public var hostKeys: String?
    /// The host's keys, `TYPE BASE64` each, where something else than a file tells them, such as the cloud it is in: no file
    /// counts then.
    public var keys: [String]

    public init(
        address: String, port: Int? = nil, user: String? = nil, identity: [String] = [], agent: Bool = true,
        jump: [String]? = nil, hostKeys: String? = nil, keys: [String] = []
    ) {
        self.address = address
        self.port = port
        self.user = user
        self.identity = identity
        self.agent = agent
        self.jump = jump
        self.hostKeys = hostKeys
        self.keys = keys
    }

    /// What `value` made; nil for anything else.
    public init?(_ value: Value) {
        guard let fields = value.mapValue, let address = fields["address"]?.stringValue else { return nil }
        self.init(
            address: address, port: fields["port"]?.intValue, user: fields["user"]?.stringValue,
            identity: fields["identity"]?.listValue?.compactMap(\.stringValue) ?? [],
            agent: fields["agent"]?.boolValue ?? true, jump: fields["jump"]?.listValue?.compactMap(\.stringValue),
            hostKeys: fields["hostKeys"]?.stringValue,
            keys: fields["keys"]?.listValue?.compactMap(\.stringValue) ?? [])
        hasSecrets = fields["secrets"]?.boolValue ?? false
    }

    /// As an attribute; what is not set is left out.
    public var value: Value {
        var fields: [String: Value] = ["address": .string(address)]
        fields["port"] = port.map(Value.int)
        fields["user"] = user.map(Value.string)
        if !identity.isEmpty { fields["identity"] = .list(identity.map(Value.string)) }
        if !agent { fields["agent"] = false }
        fields["jump"] = jump.map { .list($0.map(Value.string)) }
        fields["hostKeys"] = hostKeys.map(Value.string)
        if !keys.isEmpty { fields["keys"] = .list(keys.map(Value.string)) }
        if hasSecrets { fields["secrets"] = true }
        return .map(fields)
    }

    /// The login of the host that something lives on: that of the nearest ancestor with one.
    public static func of(_ ancestors: [Attributes]) -> HostLogin? {
        ancestors.lazy.compactMap { $0["login"] }.compactMap(HostLogin.init).first
    }
}
