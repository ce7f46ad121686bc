/// The logins of one run: one for each route, shared by all who ask.
///
/// Make one for each run and pass it on.
public actor SSHSessions {
    /// Logins being made at once: more would only wait for this machine's processor and trip limits of jump hosts.
    static let loginsAtOnce = 64

    private let client: SSHClient
    private let logins = SSHLogins<SSHRoute>()
    /// The routes asked for, with the secrets that somebody had for them.
    private var known: [SSHRoute: SSHRoute] = [:]
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    public init(client: SSHClient = SSHClient()) { self.client = client }

    /// The login on a host: the one that is there, or a new one if there is none or it was lost.
    ///
    /// Who asks without passwords and passphrases gets the login, and after a loss the secrets, of who asked with them.
    /// - Throws: `SSHError`.
    public func connection(to route: SSHRoute) async throws -> SSHConnection {
        let key = route.withoutSecrets
        if route != key || known[key] == nil { known[key] = route }
        let way = known[key] ?? route
        return try await logins.connection(for: key) { [self] in
            await turn()
            do {
                let connection = try await client.connect(to: way.destination, through: way.jumps)
                await end()
                return connection
            } catch {
                await end()
                throw error
            }
        }
    }

    /// A login made now, which the others share from now on: it proves that the host still lets one in.
    public func freshConnection(to route: SSHRoute) async throws -> SSHConnection {
        await logins.forget(route.withoutSecrets)
        return try await connection(to: route)
    }

    /// Ends all logins in order.
    public func closeAll() async { await logins.closeAll() }

    /// What was done over all logins so far.
    public nonisolated var counts: SSHCounts { client.counts }

    private func turn() async {
        if running >= Self.loginsAtOnce { await withCheckedContinuation { waiting.append($0) } } else { running += 1 }
    }

    private func end() {
        if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
    }
}
