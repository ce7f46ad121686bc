import OsirisDiagnostics
import OsirisModel
import OsirisTransport

/// What stands against a plan on a host: every fault at once, from facts and wishes alone.
public enum HostPreflight {
    /// Seconds: certificates and tokens allow for less.
    public static let mostSkew = 60

    /// Faults of one host, each with its next step: errors, and warnings of what will work otherwise than one may think.
    /// - Parameter name: the host's, as it is shown.
    public static func faults(_ facts: HostFacts, _ wishes: HostWishes, of name: String) -> [Diagnostic] {
        var faults: [Diagnostic] = []
        func fault(_ code: DiagnosticCode, _ message: String, _ help: String) {
            faults.append(Diagnostic(code, "host \(name): \(message)", address: wishes.address, help: help))
        }
        if case .none(let reason, let help) = facts.rights {
            fault(.hostRights, "no rights of root: \(reason)", help)
        }
        if let owner = owner(facts),
            owner.cluster != wishes.cluster || ![wishes.address, wishes.formerAddress].contains(owner.address)
        {
            fault(
                .hostOtherCluster, "it belongs to \(owner.address) of cluster \(owner.cluster)",
                "take it out of one of the two manifests, and apply that one")
        }
        if !wishes.archs.isEmpty, !wishes.archs.contains(facts.arch) {
            fault(
                .hostUnsupported, "its processor is \(facts.arch), and the hub's image is for \(list(wishes.archs))",
                "take an image for \(facts.arch), or give such hosts a target of their own")
        }
        faults += engineFaults(facts, wishes, name)
        // A hub of ours may listen on its port, and on another one before a change.
        if let program = facts.listening[wishes.port], facts.markers["hub"] == nil {
            fault(
                .hostPortTaken,
                "port \(wishes.port) is taken\(program.isEmpty ? "" : " by \(program)")",
                "stop what listens there (`ss -tlnp`), or give the hub another port")
        }
        if let firewall = facts.firewall, firewall.letsIn(wishes.port) == false, facts.listening[wishes.port] == nil {
            faults.append(
                Diagnostic(
                    .warning, .hostFirewall,
                    "host \(name): \(firewall.name) is on and does not let port \(wishes.port) in: osiris will reach the hub "
                        + "through sshd, and callers will not",
                    address: wishes.address,
                    help: firewall.name == "ufw"
                        ? "`ufw allow \(wishes.port)/tcp` there, if others are to call its functions"
                        : "`firewall-cmd --permanent --add-port=\(wishes.port)/tcp` and `firewall-cmd --reload` there, if others "
                            + "are to call its functions"))
        }
        if let free = facts.diskFree, free < wishes.diskFree, facts.markers["image"] == nil {
            fault(
                .hostTooSmall, "\(size(free)) are free on its disk, and \(size(wishes.diskFree)) are needed",
                "make room, or set `folder` to a larger disk")
        }
        if let memory = facts.memory, memory < wishes.memory {
            fault(
                .hostTooSmall, "it has \(size(memory)) of memory, and \(size(wishes.memory)) are needed",
                "use a larger machine")
        }
        if abs(facts.skew) > mostSkew {
            fault(
                .hostClock, "its clock is \(abs(facts.skew)) s \(facts.skew > 0 ? "ahead" : "behind")",
                "set its clock, and keep it right with chrony or systemd-timesyncd")
        }
        return faults
    }

    /// Machines that the manifest names twice.
    /// - Parameter hosts: names, addresses of their resources and facts.
    public static func twins(_ hosts: [(name: String, address: String, facts: HostFacts)]) -> [Diagnostic] {
        let byMachine = Dictionary(grouping: hosts.filter { !($0.facts.machine ?? "").isEmpty }) { $0.facts.machine }
        return byMachine.values.filter { $0.count > 1 }.flatMap { twins in
            twins.dropFirst().map { twin in
                Diagnostic(
                    .hostTwice, "hosts \(twins[0].name) and \(twin.name) are the same machine, by its /etc/machine-id",
                    address: twin.address,
                    help: "name it once; on a clone: rm /etc/machine-id; systemd-machine-id-setup")
            }
        }
        .sorted { $0.message < $1.message }
    }

    private static func engineFaults(_ facts: HostFacts, _ wishes: HostWishes, _ name: String) -> [Diagnostic] {
        let wanted = wishes.engine == "auto" ? ["podman", "docker"] : [wishes.engine]
        if wanted.contains(where: facts.has(engine:)) { return [] }
        let what = wishes.engine == "auto" ? "neither podman nor docker" : "no \(wishes.engine)"
        func fault(_ reason: String, _ help: String) -> [Diagnostic] {
            [Diagnostic(.hostNoEngine, "host \(name): it has \(what)\(reason)", address: wishes.address, help: help)]
        }
        if !wishes.installsEngine { return fault("", "install it, or let osiris do so: engine: {install: true}") }
        if let packages = wishes.packages, packages.names(for: facts.packages).isEmpty {
            let ending = EnginePackages.ending(for: facts.packages)
            return fault(
                ", and there are no \(ending) files in \(packages.folder)",
                "put the engine's packages there, or take `engine.packages` out")
        }
        if let repository = wishes.repository, repository.program != facts.packages {
            return fault(
                ", and engine.repository is for \(repository.program), and the host has \(facts.packages ?? "no package program")",
                "give such hosts a target of their own: a repository for apt-get has a `suite`, one for dnf has none")
        }
        if ["apt-get", "dnf", "zypper"].contains(facts.packages) { return [] }
        return fault(
            ", and osiris cannot install one on \(facts.os.id) \(facts.os.version)",
            "install podman by hand; osiris does it on Debian, Ubuntu, RHEL-like systems and SUSE")
    }

    /// Whose the host is, by its marker; nil if nobody's.
    private static func owner(_ facts: HostFacts) -> (cluster: String, address: String)? {
        guard let bytes = facts.markers["host"] else { return nil }
        let fields = (try? Value(plainJSON: bytes))?.mapValue
        guard let cluster = fields?["cluster"]?.stringValue, let address = fields?["address"]?.stringValue else {
            return ("?", "something that cannot be read")
        }
        return (cluster, address)
    }

    static func size(_ bytes: Int) -> String {
        let mebibytes = bytes >> 20
        return mebibytes < 10_240 ? "\(mebibytes) MiB" : "\(mebibytes >> 10) GiB"
    }

    private static func list(_ words: Set<String>) -> String { words.sorted().joined(separator: " and ") }
}

extension Diagnostic {
    /// What an SSH error means for a command on hosts.
    /// - Parameters:
    ///   - name: the host's, as it is shown.
    ///   - address: of its resource.
    public init(_ error: SSHError, host name: String, address: String? = nil) {
        let code: DiagnosticCode =
            switch error.kind {
            case .unreachable, .timedOut: .hostUnreachable
            case .unknownHostKey: .hostKeyUnknown
            case .changedHostKey: .hostKeyChanged
            case .refused: .hostLoginRefused
            case .elevation: .hostRights
            case .lost, .tooMuchOutput, .notAllowed: .hostCommand
            }
        self.init(
            code, "host \(name): \(error.description)", address: address, help: error.help.isEmpty ? nil : error.help)
    }
}
