import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisTransport
import ProviderSSH

struct HostsProbe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Look at hosts: what they are, and what stands against an apply on them.",
        discussion: """
            Each host is logged in to once and runs one script, which changes nothing. Exit code 1 if there is any fault.

            Example: osiris hosts probe --host 'r1-*'
            """)

    @OptionGroup var options: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let hosts = try options.hosts(manifest, console)
            let probes = HostProbes(sessions: Providers.ssh)
            let looks = await onAll(hosts, progress: HostsProgress("probed", console)) { await probes.facts($0.place) }
            await Providers.ssh.closeAll()
            let faults = Self.faults(looks)
            if console.json {
                console.line(Value.list(looks.map { Self.json($0.host, $0.answer, faults) }).prettyJSONText)
                if faults.hasErrors { throw Exit.failed }
                return
            }
            let columns = ["host", "os", "arch", "cpus", "memory", "free", "engine", "rights", "hub"]
            console.table(columns, looks.map { Self.row($0.host, $0.answer) })
            if faults.hasErrors { throw DiagnosticsError(faults) }
            console.report(faults)
        }
    }

    typealias Look = (host: ManifestHost, answer: Result<HostFacts, SSHError>)

    private static func faults(_ looks: [Look]) -> [Diagnostic] {
        var faults: [Diagnostic] = []
        var seen: [(name: String, address: String, facts: HostFacts)] = []
        for (host, answer) in looks {
            switch answer {
            case .failure(let error):
                faults.append(Diagnostic(error, host: host.place.name, address: host.address.text))
            case .success(let facts):
                faults += HostPreflight.faults(facts, host.wishes, of: host.place.name)
                seen.append((host.place.name, host.address.text, facts))
            }
        }
        return faults + HostPreflight.twins(seen)
    }

    private static func row(_ host: ManifestHost, _ answer: Result<HostFacts, SSHError>) -> [String] {
        guard case .success(let facts) = answer else {
            return [host.place.name] + [String](repeating: "-", count: 8)
        }
        func size(_ bytes: Int?) -> String { bytes.map { "\(($0 + (1 << 29)) >> 30)G" } ?? "-" }
        let engine = facts.engines.sorted { $0.key > $1.key }.first
        return [
            host.place.name, "\(facts.os.id) \(facts.os.version)", facts.arch, facts.cpus.map(String.init) ?? "-",
            size(facts.memory), size(facts.diskFree), engine.map { "\($0.key) \($0.value.version)" } ?? "none",
            facts.rights.text,
            (facts.hub ?? "none") + (HostCordon(facts).map { $0.isDrained ? ", drained" : ", cordoned" } ?? ""),
        ]
    }

    private static func json(
        _ host: ManifestHost, _ answer: Result<HostFacts, SSHError>, _ faults: [Diagnostic]
    ) -> Value {
        var fields: [String: Value] = [
            "host": .string(host.place.name), "target": .string(String(host.address.target)),
            "address": .string(host.place.route.destination.host), "domain": .string(host.domain),
            "faults": .list(
                faults.filter { $0.address == host.address.text }.map { fault in
                    var fields: [String: Value] = [
                        "code": .string(fault.code.rawValue), "message": .string(fault.message),
                    ]
                    fields["help"] = fault.help.map(Value.string)
                    return .map(fields)
                }),
        ]
        if case .success(let facts) = answer { fields["facts"] = facts.json }
        return .map(fields)
    }
}

extension HostFacts {
    /// What programs may want to know; what is not known is left out.
    fileprivate var json: Value {
        var fields: [String: Value] = [
            "os": .string(os.id), "osVersion": .string(os.version), "arch": .string(arch), "kernel": .string(kernel),
            "hostname": .string(hostname), "systemd": .bool(hasSystemd), "rights": .string(rights.text),
            "clockSkewSeconds": .int(skew),
            "engines": .map(engines.mapValues { .string($0.version) }),
            "listening": .list(listening.keys.sorted().map(Value.int)),
        ]
        let numbers = [
            "cpus": cpus, "memoryBytes": memory, "memoryFreeBytes": memoryFree, "diskBytes": disk,
            "diskFreeBytes": diskFree, "hubRestarts": hubRestarts,
        ]
        for (key, number) in numbers { fields[key] = number.map(Value.int) }
        fields["hub"] = hub.map(Value.string)
        fields["packages"] = packages.map(Value.string)
        fields["firewall"] = firewall.map { .string($0.name) }
        return .map(fields)
    }
}
