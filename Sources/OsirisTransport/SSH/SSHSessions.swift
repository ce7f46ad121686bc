/// The logins of one run: one for each route, shared by all who ask.
///
/// Make one for each run and pass it on.
public actor SSHSessions {
    /// Logins being made at once: more would only wait for this machine's processor and trip limits of jump hosts.
    static let loginsAtOnce = 64
    /// How long a silent host is not asked again: longer than a plan reads.
    static let silence = Duration.seconds(60)

    private let client: SSHClient
    private let logins = SSHLogins<SSHRoute>()
    /// The routes asked for, with the secrets that somebody had for them.
    private var known: [SSHRoute: SSHRoute] = [:]
    /// Routes at whose end nobody answered in time, so that a silent host is waited for once and not by each who asks.
    private var silent: [SSHRoute: (error: SSHError, until: ContinuousClock.Instant)] = [:]
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    public init(client: SSHClient = SSHClient()) { self.client = client }

    /// The login on a host: the one that is there, or a new one if there is none or it was lost.
    ///
    /// Who asks without passwords and passphrases gets the login, and after a loss the secrets, of who asked with them.
    /// - Throws: `SSHError`; for a host that did not answer in time the same again for a minute, unless `askAgain` was called.
    public func connection(to route: SSHRoute) async throws -> SSHConnection {
        let key = route.withoutSecrets
        if route != key || known[key] == nil { known[key] = route }
        let way = known[key] ?? route
        if let silence = silent[key], silence.until > .now { throw silence.error }
        return try await logins.connection(for: key) { [self] in
            await turn()
            do {
                let connection = try await client.connect(to: way.destination, through: way.jumps)
                await end()
                return connection
            } catch {
                await end()
                if let error = error as? SSHError, error.kind == .timedOut { await note(silent: key, error) }
                throw error
            }
        }
    }

    /// The next who asks tries to log in, even if the host was silent a moment ago; for one who was told and waited.
    public func askAgain(_ route: SSHRoute) { silent[route.withoutSecrets] = nil }

    private func note(silent route: SSHRoute, _ error: SSHError) { silent[route] = (error, .now + Self.silence) }

    /// A login made now, which the others share from now on: it proves that the host still lets one in.
    public func freshConnection(to route: SSHRoute) async throws -> SSHConnection {
        await logins.forget(route.withoutSecrets)
        askAgain(route)
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
