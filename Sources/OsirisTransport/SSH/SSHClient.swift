import CLibSSH2

/// Makes SSH connections through libssh2, for hundreds of hosts on one thread.
///
/// Make one for each run and pass it on. Jump hosts are logged in to once and shared by all hosts behind them.
public final class SSHClient: Sendable {
    private let life = SSHLoop.Life()
    private let jumps = SSHLogins<[SSHDestination]>()
    private let tally = SSHTally()
    private let patience: SSHPatience

    public init(patience: SSHPatience = SSHPatience()) { self.patience = patience }

    /// What all its connections did so far.
    public var counts: SSHCounts { tally.value }

    /// Connects, checks the host's key and logs in.
    /// - Parameter jumps: the hosts to go through, the nearest first.
    /// - Throws: `SSHError`, whose place tells the hop; `CancellationError`.
    public func connect(to destination: SSHDestination, through jumps: [SSHDestination] = []) async throws
        -> SSHConnection
    {
        let jump = try await jumpHost(jumps)
        let deadline = ContinuousClock.now + patience.connect
        let connection = try await greet(destination, over: jump, until: deadline)
        try await connection.login(destination, until: deadline)
        return connection
    }

    /// The login on the last of some jump hosts; nil without any.
    private func jumpHost(_ route: [SSHDestination]) async throws -> SSHConnection? {
        guard let last = route.last else { return nil }
        return try await jumps.connection(for: route) { [self] in
            try await connect(to: last, through: route.dropLast())
        }
    }

    /// The key a host shows, and what the known ones say to it. Nothing of the user is sent to it; jump hosts are logged
    /// in to.
    public func hostKey(
        of destination: SSHDestination, through jumps: [SSHDestination] = []
    ) async throws -> (key: SSHHostKey, standing: SSHHostKey.Standing) {
        let jump = try await jumpHost(jumps)
        do {
            let connection = try await greet(destination, over: jump, until: .now + patience.connect)
            let key = await connection.hostKey
            await connection.close()
            if let key { return (key, .known) }
        } catch let error as SSHError {
            if case .unknownHostKey(let key) = error.kind { return (key, .unknown) }
            if case .changedHostKey(let key) = error.kind { return (key, .changed) }
            throw error
        }
        throw SSHError(.unreachable, destination.text, "it showed no host key")
    }

    /// Algorithms of host keys that libssh2 can check, the preferred ones first.
    private static let hostKeys = [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    ]

    private func place(of destination: SSHDestination, over jump: String?) -> String {
        destination.text + (jump.map { " via \($0)" } ?? "")
    }

    /// Connects, and checks the host's key.
    private func greet(
        _ destination: SSHDestination, over jump: SSHConnection?, until deadline: ContinuousClock.Instant
    ) async throws -> SSHConnection {
        tally.note { $0.logins += 1 }
        let place = place(of: destination, over: jump?.place)
        var shown: SSHHostKey?
        // A server has several keys, and the known one may not be of the type that is agreed on first.
        for hostKeys in [Self.hostKeys] + Self.hostKeys.dropFirst().map({ [$0] }) {
            let socket =
                if let jump {
                    try await jump.tunnel(to: destination, until: deadline)
                } else {
                    try await SSHSocket.connect(to: destination, on: life.loop, until: deadline)
                }
            let connection = try SSHConnection(
                socket: socket, place: place, life: life, patience: patience, tally: tally, jump: jump)
            if try await connection.greet(destination, hostKeys: hostKeys, until: deadline) { return connection }
            if let key = await connection.hostKey { shown = shown ?? key }
            await connection.close()
        }
        guard let shown else {
            throw SSHError(
                .unreachable, place, "no kind of host key is common to the server and this libssh2",
                help: "give the server an ed25519 host key: ssh-keygen -A")
        }
        throw SSHError(
            .changedHostKey(shown), place, "the server does not show the kind of host key that is known for it",
            help: "somebody may be in between, or the host was installed anew; nothing was sent to it")
    }
}
