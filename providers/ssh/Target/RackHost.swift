import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// One host of an `ssh` target.
public struct RackHost: Sendable, Hashable {
    /// Unique in its target: the first label of the host's name, or what the manifest says.
    public var name: String
    public var login: HostLogin
    /// Hosts of one failure domain may go down together: a rack, a power feed.
    public var domain: String
    /// How root's rights are got on it.
    public var elevation: SSHElevation
    /// For the login; the rights have theirs.
    public var secrets: HostLogin.Secrets
    /// Words about it, such as its rack: `{rack: r1}`.
    public var labels: [String: String] = [:]
    /// Where it stands in the manifest, below the target: `hosts.0`.
    public var path: String
}

extension RackHost {
    /// All hosts of a target, in the manifest's order, ranges expanded. Pure.
    /// - Throws: `DiagnosticsError` with every fault.
    static func all(_ target: Target) throws(DiagnosticsError) -> [RackHost] {
        var reader = RackReader(target)
        let hosts = reader.hosts()
        if !reader.faults.isEmpty { throw DiagnosticsError(reader.faults) }
        return hosts
    }
}

/// Reads the hosts of one target and collects the faults.
private struct RackReader {
    let target: Target
    private let settings: Attributes
    private(set) var faults: [Diagnostic] = []

    init(_ target: Target) {
        self.target = target
        settings = target.settings
    }

    mutating func hosts() -> [RackHost] {
        let common = login()
        var hosts: [RackHost] = []
        for (index, entry) in (settings["hosts"]?.listValue ?? []).enumerated() {
            hosts += self.hosts(entry, "hosts.\(index)", common)
        }
        checkNames(hosts)
        return hosts
    }

    private static let keys = ["host", "name", "port", "user", "domain", "labels"]

    /// What all hosts have in common; its address is empty.
    private mutating func login() -> HostLogin {
        var login = HostLogin(
            address: "", port: settings["port"]?.intValue, user: settings["user"]?.stringValue,
            agent: settings["agent"]?.boolValue ?? true, jump: settings["jump"]?.listValue?.compactMap(\.stringValue),
            hostKeys: settings["hostKeys"]?.stringValue)
        login.hasSecrets = !HostLogin.Secrets(settings).isEmpty
        switch settings["identity"] {
        case nil, .null?: break
        case .string(let path)?: login.identity = [path]
        case .list(let paths)? where paths.allSatisfy({ $0.stringValue != nil }):
            login.identity = paths.compactMap(\.stringValue)
        default:
            fault(.wrongType, "identity must be a path or a list of paths", "identity", help: "~/.ssh/id_ed25519")
        }
        for (index, jump) in (login.jump ?? []).enumerated() where HostLogin(jump: jump) == nil {
            fault(
                .invalidPattern, "`\(jump)` is not [user@]host[:port]", "jump.\(index)", help: "ops@bastion.example:22")
        }
        return login
    }

    private mutating func hosts(_ entry: Value, _ path: String, _ common: HostLogin) -> [RackHost] {
        var fields: [String: Value] = [:]
        switch entry {
        case .string(let text): fields = ["host": .string(text)]
        case .map(let entries): fields = entries
        default:
            fault(.wrongType, "\(path) must be a host's name or a map with `host`", path, help: "r1-n[01:20].example")
            return []
        }
        let known = Self.keys
        for key in fields.keys.sorted() where !known.contains(key) {
            let near = Suggestion.didYouMean(key, among: known).map { "did you mean `\($0)`?" }
            fault(
                .unknownKey, "\(path) has no key `\(key)`", "\(path).\(key)",
                help: near ?? "it has: \(known.joined(separator: ", "))")
        }
        guard let pattern = fields["host"]?.stringValue, !pattern.isEmpty else {
            fault(.missingKey, "\(path) has no `host`", path, help: "write its name or address")
            return []
        }
        let texts = known.filter { $0 != "port" && $0 != "labels" }
        for (key, value) in fields where texts.contains(key) && value.stringValue == nil {
            fault(.wrongType, "\(path).\(key) must be a text", "\(path).\(key)")
        }
        if let port = fields["port"], !(1...65535).contains(port.intValue ?? 0) {
            fault(.outOfRange, "\(path).port must be 1 to 65535", "\(path).port")
        }
        let labels = fields["labels"] ?? [:]
        if labels.mapValue?.values.allSatisfy({ $0.stringValue != nil }) != true {
            fault(.wrongType, "\(path).labels must map words to texts", "\(path).labels", help: "labels: {rack: r1}")
        }
        let names: [String]
        do { names = try HostRange.names(pattern) } catch {
            fault(.invalidPattern, error.reason, path, help: "such as r1-n[01:20].dc1.example")
            return []
        }
        if fields["name"] != nil, names.count > 1 {
            fault(.conflictingKeys, "\(path) stands for \(names.count) hosts and has one `name`", "\(path).name")
        }
        return names.compactMap { host(named: $0, fields, path, common) }
    }

    private mutating func host(
        named text: String, _ fields: [String: Value], _ path: String, _ common: HostLogin
    ) -> RackHost? {
        guard let parts = HostLogin(jump: text) else {
            fault(
                .invalidPattern, "`\(text)` is not [user@]host[:port]", path, help: "r1-n01.example, ops@10.0.0.1:2222")
            return nil
        }
        var login = common
        login.address = parts.address
        login.user = fields["user"]?.stringValue ?? parts.user ?? common.user
        login.port = fields["port"]?.intValue ?? parts.port ?? common.port
        let name = fields["name"]?.stringValue ?? Self.name(of: parts.address)
        guard Self.isLabel(name) else {
            fault(
                .invalidName, "the host `\(text)` cannot be called `\(name)`", path,
                help: "give it a `name` of lower-case letters, digits and hyphens: {host: \(text), name: n1}")
            return nil
        }
        let labels = target.labels.merging((fields["labels"]?.mapValue ?? [:]).compactMapValues(\.stringValue)) { $1 }
        return RackHost(
            name: name, login: login,
            domain: fields["domain"]?.stringValue ?? settings["domainLabel"]?.stringValue.flatMap { labels[$0] }
                ?? settings["domain"]?.stringValue ?? target.name,
            elevation: SSHTarget.elevation(settings),
            secrets: HostLogin.Secrets(settings), labels: labels, path: path)
    }

    /// The first label; of an IP address all of it.
    static func name(of address: String) -> String {
        let isAddress = address.contains(":") || address.allSatisfy { $0.isNumber || $0 == "." }
        let name =
            isAddress
            ? address.map { ".:".contains($0) ? "-" : String($0) }.joined()
            : String(address.prefix { $0 != "." })
        return name.lowercased()
    }

    private static func isLabel(_ name: String) -> Bool {
        !name.isEmpty && name.count <= 63 && !name.hasPrefix("-") && !name.hasSuffix("-")
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private mutating func checkNames(_ hosts: [RackHost]) {
        var first: [String: RackHost] = [:]
        for host in hosts {
            guard let other = first[host.name] else {
                first[host.name] = host
                continue
            }
            faults.append(
                Diagnostic(
                    .duplicateName,
                    "`\(other.login.address)` and `\(host.login.address)` would both be called `\(host.name)`",
                    at: target.spans[host.path], notes: [.init("the other one", at: target.spans[other.path])],
                    help: "give one a `name` of its own: {host: \(host.login.address), name: …}"))
        }
    }

    private mutating func fault(_ code: DiagnosticCode, _ message: String, _ path: String, help: String? = nil) {
        faults.append(
            Diagnostic(code, "target \(target.name): \(message)", at: target.spans[path], help: help))
    }
}
