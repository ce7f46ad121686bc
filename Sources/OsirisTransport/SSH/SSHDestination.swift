/// Where an SSH connection goes, and how it logs in.
public struct SSHDestination: Sendable, Hashable {
    /// A private key.
    public struct Identity: Sendable, Hashable {
        /// Absolute path of the private key file. The public key is derived from it.
        public var path: String
        /// Nil for a key without one.
        public var passphrase: String?

        public init(path: String, passphrase: String? = nil) {
            self.path = path
            self.passphrase = passphrase
        }
    }

    /// Host name or IP address.
    public var host: String
    /// TCP port.
    public var port: Int
    public var user: String
    /// Tried in this order, after the agent's keys.
    public var identities: [Identity]
    /// Path of the agent's socket; nil asks no agent.
    public var agent: String?
    /// True to ask the agent for the keys of `identities` alone: servers count the keys that are tried.
    public var identitiesOnly = false
    /// Answers both the methods `password` and `keyboard-interactive`, if the keys are not enough.
    public var password: String?
    /// Files in the format of `known_hosts` (sshd(8)). The host's key must be in one of them.
    public var knownHosts: [String]
    /// Keys of the host itself, `TYPE BASE64` each, that count as if they were in such a file.
    public var knownKeys: [String] = []
    /// The name to look the key up by; nil: the host and port.
    public var hostKeyAlias: String?

    public init(
        host: String, port: Int = 22, user: String, identities: [Identity] = [], agent: String? = nil,
        password: String? = nil, knownHosts: [String] = [], hostKeyAlias: String? = nil
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.identities = identities
        self.agent = agent
        self.password = password
        self.knownHosts = knownHosts
        self.hostKeyAlias = hostKeyAlias
    }

    /// `user@host:port`, the port only if it is not 22.
    public var text: String { "\(user)@\(host)" + (port == 22 ? "" : ":\(port)") }
}

/// How long an SSH connection waits.
public struct SSHPatience: Sendable, Hashable {
    /// For the TCP connection, the handshake and the login together, of one hop.
    public var connect: Duration
    /// Between two signs of life of the host while a command runs. The connection asks for one every third of it.
    public var silence: Duration

    public init(connect: Duration = .seconds(15), silence: Duration = .seconds(45)) {
        self.connect = connect
        self.silence = silence
    }
}

/// The public key of a host.
public struct SSHHostKey: Sendable, Hashable {
    /// What the files of known keys say to it.
    public enum Standing: String, Sendable {
        case known, unknown
        /// They have another one for the host.
        case changed
    }

    /// Its name in SSH, such as `ssh-ed25519`.
    public var type: String
    /// The key in base64, as `known_hosts` has it.
    public var base64: String
    /// `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it.
    public var fingerprint: String

    /// A line of `known_hosts`.
    public func line(host: String, port: Int) -> String {
        "\(port == 22 ? host : "[\(host)]:\(port)") \(type) \(base64)"
    }
}

/// What a command left behind.
public struct SSHResult: Sendable, Hashable {
    /// Exit status; nil if a signal ended the command.
    public var status: Int?
    /// The signal's name without `SIG`, such as `KILL`.
    public var signal: String?
    public var output: [UInt8]
    public var errors: [UInt8]

    public init(status: Int?, signal: String? = nil, output: [UInt8] = [], errors: [UInt8] = []) {
        self.status = status
        self.signal = signal
        self.output = output
        self.errors = errors
    }
}
