import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// A target with `provider: ssh`: its hosts and what they have in common.
public struct SSHTarget: Sendable {
    public typealias Host = RackHost

    /// In the manifest's order, ranges expanded; names are unique.
    public let hosts: [RackHost]
    private let indices: [String: Int]
    /// For the logins.
    public var secrets: HostLogin.Secrets
    /// How root's rights are got.
    public var elevation: SSHElevation
    /// On the hosts, absolute.
    public var folder: String

    /// Pure.
    /// - Throws: `DiagnosticsError` with every fault.
    public init(_ target: Target) throws(DiagnosticsError) {
        secrets = HostLogin.Secrets(target.settings)
        elevation = Self.elevation(target.settings)
        folder = target.settings["folder"]?.stringValue ?? Self.defaultFolder
        var faults = EngineRepository.faults(target)
        var hosts: [RackHost] = []
        do { hosts = try RackHost.all(target) } catch { faults = error.diagnostics + faults }
        if !faults.isEmpty { throw DiagnosticsError(faults) }
        self.hosts = hosts
        indices = Dictionary(uniqueKeysWithValues: hosts.indices.map { [hosts] in (hosts[$0].name, $0) })
    }

    /// - Returns: nil for a name that none of the hosts has.
    subscript(name: Substring) -> RackHost? { indices[String(name)].map { hosts[$0] } }

    static func elevation(_ settings: Attributes) -> SSHElevation {
        let become = settings["become"]?.mapValue ?? [:]
        let way = become["way"]?.stringValue.flatMap(SSHElevation.Way.init(rawValue:)) ?? .auto
        return SSHElevation(way, password: become["password"]?.stringValue)
    }

    /// Where osiris keeps what belongs to it on a host, when the manifest does not say.
    public static let defaultFolder = HostMachines.defaultFolder

    public static let schema = Schema([
        Field(
            "hosts", .list(of: .any), required: true,
            doc: """
                The machines: `[user@]host[:port]` with ranges such as `r1-n[01:20].dc1.example`, `[01:20:2]` or `[a:c]`, or
                maps `{host, name, port, user, domain, labels}`. A host is called by its first label unless it has a `name`.
                """, example: "[\"r1-n[01:20].dc1.example\", {host: 10.0.0.7, name: spare}]"),
        Field(
            "user", .string, doc: "Who logs in; without it as `~/.ssh/config` says, else who runs osiris.",
            example: "ops"),
        Field("port", .int(1...65535), doc: "Port of the hosts' sshd; without it as `~/.ssh/config` says, else 22."),
        Field(
            "identity", .any,
            doc: "Path of a private key, or a list of them: ed25519 or ECDSA. Without it as OpenSSH does it.",
            example: "~/.ssh/id_ed25519"),
        Field("agent", .bool, default: true, doc: "Whether the keys of the agent at `SSH_AUTH_SOCK` are tried."),
        Field(
            "password", .string, secret: true,
            doc: "The user's password, if keys are not enough. Use a secret variable.",
            example: "${var.loginPassword}"),
        Field(
            "passphrase", .string, secret: true, doc: "Of the private keys. Use a secret variable, or an agent.",
            example: "${var.keyPassphrase}"),
        Field(
            "jump", .list(of: .string), doc: "Hosts to go through, `[user@]host[:port]`, the nearest first.",
            example: "[ops@bastion.dc1.example]"),
        Field(
            "hostKeys", .path(mustExist: .anything),
            doc: """
                File with the hosts' keys, in the format of `known_hosts`, to be kept in Git; `osiris hosts trust` writes it.
                Without it `~/.ssh/known_hosts` counts. A host that is in neither is not spoken to.
                """, example: "keys/rack-a.known_hosts"),
        Field("become", .object(become), doc: "How root's rights are got on the hosts."),
        Field(
            "domain", .string,
            doc: "The failure domain of the hosts, such as a power feed; without it the target's name.",
            example: "row-3"),
        Field(
            "domainLabel", .string,
            doc: "The label whose value is a host's failure domain; a host without it is in `domain`.", example: "rack"),
        Field(
            "hubPort", .int(1...65535), doc: "TCP port of the hubs; without it that of `spec.hub`.", example: "8080"),
        Field("engine", .object(engine), doc: "What runs the hub's container."),
        Field(
            "uploads", .int(1...64), default: 8,
            doc: "How many hosts are sent the image at once; more only share this machine's line."),
        Field(
            "confirm", .duration, default: 60_000,
            doc: """
                After a change of the hub's port the host puts the previous hub back by itself, unless a new connection
                reaches the new one within this time. `0s` asks for no connection.
                """),
        Field(
            "folder", .string, default: .string(defaultFolder),
            doc: "Where osiris keeps its files on a host: an absolute path."),
    ])

    private static let engine = Schema([
        Field(
            "name", .choice(["auto", "podman", "docker"]), default: "auto",
            doc: "`auto` takes what is there, podman before docker, and installs podman where there is neither."),
        Field(
            "install", .bool, default: true,
            doc: "Whether a missing engine is installed from the distribution's packages."),
        Field(
            "packages", .string,
            doc: """
                A folder beside the manifest with the engine's packages (`.deb`, `.rpm`) and all that they need, for hosts that
                reach no package source. They are sent to hosts without an engine, and nothing is downloaded.
                """, example: "packages/debian-12"),
        Field(
            "repository", .object(EngineRepository.schema),
            doc: "A signed package source that a missing engine is installed from, beside those that a host has."),
    ])

    private static let become = Schema([
        Field(
            "way", .choice([.auto, .none, .sudo, .doas].map(\SSHElevation.Way.rawValue)), default: "auto",
            doc: "`auto`: nothing for root, else sudo, else doas. `none` for a login as root."),
        Field(
            "password", .string, secret: true, doc: "Given to sudo when it asks. Use a secret variable.",
            example: "${var.sudoPassword}"),
    ])
}
