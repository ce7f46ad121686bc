import Synchronization

/// Sends HTTP requests through libcurl, many at a time, over connections that it keeps.
///
/// One client has one thread and one pool of connections: make one for each run and pass it on. A request on a kept
/// connection that the server has closed meanwhile is sent again by libcurl on a new one, so a request that must not be
/// doubled carries an idempotency token or asks to be sent once. Proxies are taken from the usual environment variables.
public final class HTTPClient: HTTPSending {
    private struct Tickets {
        var next: UInt64 = 0
        /// Cancelled, and not yet known to the thread or no longer.
        var cancelled: Set<UInt64> = []
    }

    private let thread = TransferThread()
    private let tickets = Mutex(Tickets())
    private let tunnels: SSHTunnels?

    /// - Parameter ssh: the logins for requests that go through a host; without it they fail.
    public init(ssh: SSHSessions? = nil) { tunnels = ssh.map(SSHTunnels.init) }

    // Whoever waits for a transfer holds the client, so none is left here.
    deinit { thread.stop() }

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var tunnel: SSHTunnelOpener?
        if let route = request.via { tunnel = try await opener(route, request) }
        let id = tickets.withLock { tickets in
            tickets.next += 1
            return tickets.next
        }
        defer { tickets.withLock { _ = $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler { [tunnel] in
            try await withCheckedThrowingContinuation { waiter in
                let transfer = Transfer(id: id, request: request, tunnel: tunnel, waiter: waiter)
                // Under the lock, so that a cancellation comes either before the start, and is seen here, or after it.
                tickets.withLock { tickets in
                    if tickets.cancelled.contains(id) { transfer.cancel() } else { thread.start(transfer) }
                }
            }
        } onCancel: {
            tickets.withLock { tickets in
                tickets.cancelled.insert(id)
                thread.cancel(id)
            }
        }
    }

    /// Logs in on the host, so that this counts neither as time nor as a fault of the request.
    private func opener(_ route: SSHRoute, _ request: HTTPRequest) async throws -> SSHTunnelOpener {
        guard let tunnels else {
            throw HTTPError(
                kind: .couldNotConnect, sent: false, curlCode: 0, reason: "this client has no SSH logins",
                request: request.summary)
        }
        do {
            return try await tunnels.opener(for: route)
        } catch let error as SSHError {
            throw HTTPError(
                kind: .couldNotConnect, sent: false, curlCode: 0, reason: error.description, request: request.summary)
        }
    }
}
