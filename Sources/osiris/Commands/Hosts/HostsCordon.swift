import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisProviderKit
import ProviderSSH

struct HostsCordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon", abstract: "Leave hosts as they are: what runs goes on, and no apply changes them.",
        discussion: """
            The mark is on the host itself. Plans tell of it, whoever makes them; taking the host out of the manifest still works.

            Example: osiris hosts cordon --host r1-n02 --reason 'new disk'
            """)

    @OptionGroup var options: CordonOptions

    func run() async throws { try await options.cordon("cordoned", isDrained: false) }
}

struct HostsDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Cordon hosts and stop their hubs, once running calls have ended.",
        discussion: """
            The hubs stay stopped over reboots. Callers go to other hosts: see that these can carry it.

            Example: osiris hosts drain --host r1-n02 --reason 'new disk'
            """)

    @OptionGroup var options: CordonOptions

    func run() async throws { try await options.cordon("drained", isDrained: true) }
}

struct HostsUncordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon", abstract: "Let applies change hosts again; starts the hubs of drained ones.",
        discussion: "Example: osiris hosts uncordon --host r1-n02")

    @OptionGroup var options: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await change("uncordoned", options, manifest, output) { try await $0.uncordon(over: Providers.ssh) }
    }
}

/// What `cordon` and `drain` are told.
struct CordonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why, for those who meet it in a plan.", valueName: "text"))
    var reason: String?

    @OptionGroup var hosts: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func cordon(_ done: String, isDrained: Bool) async throws {
        let cordon = HostCordon(
            since: Date(), by: "\(NSUserName())@\(ProcessInfo.processInfo.hostName)", reason: reason,
            isDrained: isDrained)
        try await change(done, hosts, manifest, output) { try await $0.cordon(cordon, over: Providers.ssh) }
    }
}

/// Does one of them to the hosts that are named, all at once. All hosts of a manifest are never meant by saying nothing.
private func change(
    _ done: String, _ options: HostsOptions, _ manifest: ClusterOptions, _ output: OutputOptions,
    _ body: @escaping @Sendable (ManifestHost) async throws -> Void
) async throws {
    let console = Console(output)
    try await console.run {
        if options.names.isEmpty && options.target == nil {
            throw Diagnostic(
                .usage, "no host is named", help: "name some with --host NAME, or all of a target with --target")
        }
        let hosts = try options.hosts(manifest, console)
        let answers = await onAll(hosts, progress: HostsProgress(done, console)) { host -> Diagnostic? in
            do {
                try await body(host)
                return nil
            } catch {
                let fault = error as? ProviderError
                return Diagnostic(
                    .hostCommand, fault?.message ?? "\(error)", address: host.address.text, help: fault?.help)
            }
        }
        await Providers.ssh.closeAll()
        console.table(["host", "is"], answers.map { [$0.host.place.name, $0.answer == nil ? done : "as it was"] })
        let faults = answers.compactMap(\.answer)
        if !faults.isEmpty { throw DiagnosticsError(faults) }
    }
}
