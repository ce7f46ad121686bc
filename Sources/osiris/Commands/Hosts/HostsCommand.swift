import ArgumentParser
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisTransport
import ProviderSSH

/// Works with the hosts of ssh targets.
struct HostsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts",
        abstract: "Look at the hosts of ssh targets, trust their keys, run commands on them, cordon them.",
        discussion: "Example: osiris hosts probe --target rack-a",
        subcommands: [
            HostsList.self, HostsProbe.self, HostsTrust.self, HostsExec.self, HostsCordon.self, HostsDrain.self,
            HostsUncordon.self,
        ])
}

/// Which hosts a command is about.
struct HostsOptions: ParsableArguments {
    @Option(help: "Only hosts of this target.")
    var target: String?

    @Option(
        name: .customLong("host"), parsing: .singleValue,
        help: ArgumentHelp("Only hosts of this name; * stands for anything. May be repeated.", valueName: "name"))
    var names: [String] = []

    /// All hosts of the manifest, in its order.
    static func all(_ manifest: ClusterOptions, _ console: Console) throws -> [ManifestHost] {
        try ManifestHost.all(
            of: try Workspace.load(manifest, Providers.registry(), secretSalt: "no state", console))
    }

    /// Whether a host is meant.
    func mean(_ host: ResourceAddress) -> Bool {
        (target == nil || host.target == target!)
            && (names.isEmpty || names.contains { Glob($0).matches(String(host.name)) })
    }

    /// The hosts of the manifest that are meant, in its order.
    /// - Throws: a `Diagnostic` if there are none.
    func hosts(_ manifest: ClusterOptions, _ console: Console) throws -> [ManifestHost] {
        let all = try Self.all(manifest, console)
        let meant = all.filter { mean($0.address) }
        if meant.isEmpty {
            throw Diagnostic(
                .noMatch, all.isEmpty ? "the manifest has no target with `provider: ssh`" : "no host matches",
                help: all.isEmpty ? nil : "`osiris hosts list` shows all")
        }
        return meant
    }
}

/// One call for each host, all at once; logins wait for their turn by themselves.
func onAll<Answer: Sendable>(
    _ hosts: [ManifestHost], progress: HostsProgress? = nil,
    _ body: @escaping @Sendable (ManifestHost) async -> Answer
) async -> [(host: ManifestHost, answer: Answer)] {
    var answers: [Int: Answer] = [:]
    await withTaskGroup(of: (Int, Answer).self) { group in
        for (index, host) in hosts.enumerated() { group.addTask { (index, await body(host)) } }
        for await (index, answer) in group {
            answers[index] = answer
            progress?.show(done: answers.count, of: hosts.count)
        }
    }
    progress?.clear()
    return hosts.indices.compactMap { index in answers[index].map { (hosts[index], $0) } }
}
