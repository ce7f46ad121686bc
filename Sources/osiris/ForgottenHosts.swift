import OsirisDiagnostics
import OsirisModel
import OsirisState

/// Hosts that are gone for good: their records, and those of all that lived on them, leave the state. Nothing is contacted.
struct ForgottenHosts {
    /// Of the records to drop, what lives on another first.
    let addresses: [ResourceAddress]

    /// - Parameter names: of machines, `r1-n02`, or with their target, `rack/r1-n02`.
    /// - Throws: a `Diagnostic` for a name that no recorded host has, or hosts of several targets have.
    init(_ names: [String], in snapshot: StateSnapshot) throws {
        let hosts = snapshot.resources.keys.filter { $0.type == "host" }.sorted()
        var gone = Set<ResourceAddress>()
        for name in names {
            let found = hosts.filter { $0.name == name || "\($0.target)/\($0.name)" == name }
            guard let host = found.first else {
                throw Diagnostic(
                    .noMatch, "the state has no host `\(name)`", help: "`osiris state list '*/host.*'` lists them")
            }
            guard found.count == 1 else {
                throw Diagnostic(
                    .usage, "`\(name)` is a host of \(found.map { "`\($0.target)`" }.joined(separator: " and of "))",
                    help: "name the target too: --forget-hosts \(host.target)/\(name)")
            }
            gone.insert(host)
        }
        addresses = snapshot.resources.values
            .map { (address: $0.address, chain: Self.chain($0, snapshot)) }
            .filter { !gone.isDisjoint(with: $0.chain) }
            .sorted { ($1.chain.count, $0.address) < ($0.chain.count, $1.address) }
            .map(\.address)
    }

    /// The resource and all that it lives on.
    private static func chain(_ record: ResourceRecord, _ snapshot: StateSnapshot) -> [ResourceAddress] {
        var chain = [record.address]
        var parent = record.parent
        while let next = parent {
            chain.append(next)
            parent = snapshot.resources[next]?.parent
        }
        return chain
    }

    /// Writes it, with a warning for each host.
    /// - Returns: the state without them.
    func forget(_ snapshot: StateSnapshot, _ session: StateSession, _ console: Console) async throws -> StateSnapshot {
        guard !addresses.isEmpty else { return snapshot }
        var snapshot = snapshot
        let intents = snapshot.intents.filter { intent in
            addresses.contains(intent.address) || intent.parent.map(addresses.contains) ?? false
        }
        for intent in intents {
            try await session.record(.closed(token: intent.token, text: "its host was forgotten"))
        }
        for address in addresses {
            try await session.record(.forgotten(address))
            snapshot.resources[address] = nil
        }
        snapshot.intents.removeAll { intents.contains($0) }
        for host in addresses where host.type == "host" {
            console.report([
                Diagnostic(
                    .warning, .hostForgotten, "`\(host)` is forgotten, with all that lived on it; nothing was contacted",
                    address: host.text,
                    help: "if it comes back, its hub still runs: stop it, or put the host into the manifest again")
            ])
        }
        return snapshot
    }
}
