import ArgumentParser
import OsirisModel
import OsirisState
import ProviderSSH

struct HostsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the hosts of the manifest; asks none of them.",
        discussion: """
            A host is `new` until it is applied; then the state of its hub as recorded. `leaving` is one that is in the state
            and no longer in the manifest.

            Example: osiris hosts list --target rack-a
            """)

    @OptionGroup var options: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let all = try HostsOptions.all(manifest, console)
            let snapshot = try await manifest.stateStore().snapshot()
            var rows = all.filter { options.mean($0.address) }.map { host in
                [
                    host.place.name, String(host.address.target), host.place.route.text, host.domain,
                    Self.state(of: host.address, in: snapshot),
                ]
            }
            let named = Set(all.map(\.address))
            let leaving = snapshot.resources.values
                .filter { $0.address.type == "host" && $0.provider == "ssh" && !named.contains($0.address) }
                .filter { options.mean($0.address) }.sorted { $0.address < $1.address }
            rows += leaving.map { record in
                [
                    String(record.address.name), String(record.address.target),
                    record.attributes["login"]?.mapValue?["address"]?.stringValue ?? "-",
                    record.attributes["domain"]?.stringValue ?? "-", "leaving",
                ]
            }
            console.table(["host", "target", "login", "domain", "state"], rows)
        }
    }

    private static func state(of host: ResourceAddress, in snapshot: StateSnapshot) -> String {
        guard snapshot.resources[host] != nil else { return "new" }
        let hub = ResourceAddress(target: String(host.target), type: "hub", name: String(host.name))
        return snapshot.resources[hub].map { "hub \($0.attributes["status"]?.stringValue ?? "?")" } ?? "no hub"
    }
}
