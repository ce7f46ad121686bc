/// The way to a host: who to log in as, and through which hosts.
public struct SSHRoute: Sendable, Hashable {
    public var destination: SSHDestination
    /// Hosts to go through, the nearest to this machine first.
    public var jumps: [SSHDestination]

    public init(_ destination: SSHDestination, jumps: [SSHDestination] = []) {
        self.destination = destination
        self.jumps = jumps
    }

    /// `user@host:port`, with `via …` for jumps.
    public var text: String {
        jumps.isEmpty ? destination.text : "\(destination.text) via \(jumps.map(\.text).joined(separator: ", "))"
    }

    /// The same way without passwords and passphrases: who asks without them may use the login of who had them.
    var withoutSecrets: SSHRoute {
        func bare(_ destination: SSHDestination) -> SSHDestination {
            var destination = destination
            destination.password = nil
            for index in destination.identities.indices { destination.identities[index].passphrase = nil }
            return destination
        }
        return SSHRoute(bare(destination), jumps: jumps.map(bare))
    }
}
