import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisTransport
import ProviderSSH

struct HostsTrust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Show the keys of hosts, and write them where the target's `hostKeys` says.",
        discussion: """
            Compare the fingerprints with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the hosts; commit
            the file. Jump hosts come first: what is behind one that is not trusted yet is asked for the next time. A key that
            has changed is replaced only for hosts that --replace names.

            Example: osiris hosts trust --target rack-a
            """)

    @Flag(help: "Do not ask.")
    var yes = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Take the new key of this host for its old one; may be repeated.", valueName: "name"))
    var replace: [String] = []

    @OptionGroup var options: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let hosts = try options.hosts(manifest, console)
            var (keys, faults) = await TrustedKey.ask(TrustedKey.jumps(of: hosts))
            if keys.allSatisfy({ $0.standing == .known }) && faults.isEmpty {
                let found = await TrustedKey.ask(TrustedKey.destinations(of: hosts))
                keys += found.keys
                faults += found.faults
            }
            console.table(
                ["host", "key", "fingerprint", "is"],
                keys.map { [$0.host.name, $0.key.type, $0.key.fingerprint, $0.word(replacing: replace)] })
            faults += keys.filter { $0.standing == .changed && !replace.contains($0.host.name) }.map(Self.changed)
            let news = keys.filter {
                $0.standing == .unknown || ($0.standing == .changed && replace.contains($0.host.name))
            }
            if !news.isEmpty {
                if !yes {
                    try await Approval(console, ApplyControl()).ask(
                        "Trust \(news.count) \(news.count == 1 ? "key" : "keys")?",
                        alone: "compare the fingerprints, then add --yes")
                }
                for (path, keys) in Dictionary(grouping: news, by: \.host.file) {
                    try Self.write(keys, to: path, in: console)
                }
            }
            if !faults.isEmpty { throw DiagnosticsError(faults) }
        }
    }

    private static func changed(_ key: TrustedKey) -> Diagnostic {
        Diagnostic(
            .hostKeyChanged,
            "host \(key.host.name): its key is now \(key.key.fingerprint), and \(key.host.file) has another",
            help: "somebody may be in between; if the host was installed anew: osiris hosts trust --replace \(key.host.name)")
    }

    private static func write(_ keys: [TrustedKey], to path: String, in console: Console) throws {
        do {
            let isThere = FileManager.default.fileExists(atPath: path)
            var pinned = SSHPinnedKeys(isThere ? try String(contentsOfFile: path, encoding: .utf8) : "")
            for key in keys {
                let destination = key.host.destination
                pinned.add(
                    key.key, host: destination.hostKeyAlias ?? destination.host,
                    port: destination.hostKeyAlias == nil ? destination.port : 22, replacing: key.standing == .changed)
            }
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(pinned.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            console.note("wrote \(path)")
        } catch {
            throw Diagnostic(.fileUnreadable, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}

/// A host, the key it shows, and what is known of it.
struct TrustedKey: Sendable {
    /// Somebody whose key counts: a host of the manifest, or a jump host.
    struct Host: Sendable, Hashable {
        /// Of the manifest, or a jump host's address.
        var name: String
        var destination: SSHDestination
        var jumps: [SSHDestination]
        /// Where its key is written.
        var file: String { destination.knownHosts.first ?? "" }
    }

    var host: Host
    var key: SSHHostKey
    var standing: SSHHostKey.Standing

    func word(replacing names: [String]) -> String {
        switch standing {
        case .known: "known"
        case .unknown: "new"
        case .changed: names.contains(host.name) ? "replaced" : "CHANGED"
        }
    }

    /// Jump hosts of all hosts, each once.
    static func jumps(of hosts: [ManifestHost]) -> [Host] {
        var jumps: [Host] = []
        for route in hosts.map(\.place.route) {
            for (index, jump) in route.jumps.enumerated() {
                let host = Host(name: jump.host, destination: jump, jumps: Array(route.jumps[..<index]))
                if !jumps.contains(host) { jumps.append(host) }
            }
        }
        return jumps
    }

    static func destinations(of hosts: [ManifestHost]) -> [Host] {
        hosts.map { Host(name: $0.place.name, destination: $0.place.route.destination, jumps: $0.place.route.jumps) }
    }

    /// Asks all at once. What is behind a jump host that is not trusted is a fault.
    static func ask(_ hosts: [Host]) async -> (keys: [TrustedKey], faults: [Diagnostic]) {
        let client = SSHClient()
        var found: [Int: Result<TrustedKey, Diagnostic>] = [:]
        await withTaskGroup(of: (Int, Result<TrustedKey, Diagnostic>).self) { group in
            for (index, host) in hosts.enumerated() {
                if index >= 64, let (done, result) = await group.next() { found[done] = result }
                group.addTask {
                    do {
                        let shown = try await client.hostKey(of: host.destination, through: host.jumps)
                        return (index, .success(TrustedKey(host: host, key: shown.key, standing: shown.standing)))
                    } catch {
                        let error = error as? SSHError ?? SSHError(.lost, host.name, "it was cancelled")
                        return (index, .failure(Diagnostic(error, host: host.name)))
                    }
                }
            }
            for await (index, result) in group { found[index] = result }
        }
        var keys: [TrustedKey] = []
        var faults: [Diagnostic] = []
        for index in hosts.indices {
            switch found[index] {
            case .success(let key)?: keys.append(key)
            case .failure(let fault)?: faults.append(fault)
            case nil: break
            }
        }
        return (keys, faults)
    }
}
