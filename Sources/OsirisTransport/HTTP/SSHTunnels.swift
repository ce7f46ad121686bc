import Foundation
import Synchronization

/// The tunnels of an HTTP client to what listens on hosts.
final class SSHTunnels: Sendable {
    private let sessions: SSHSessions
    /// A number for each route, by which libcurl keeps their connections apart.
    private let numbers = Mutex<[SSHRoute: Int]>([:])

    init(_ sessions: SSHSessions) { self.sessions = sessions }

    /// Logs in on the host unless it is done.
    /// - Throws: `SSHError`.
    func opener(for route: SSHRoute) async throws -> SSHTunnelOpener {
        _ = try await sessions.connection(to: route)
        let key = route.withoutSecrets
        let number = numbers.withLock { numbers in
            let number = numbers[key] ?? numbers.count
            numbers[key] = number
            return number
        }
        return SSHTunnelOpener(sessions: sessions, route: route, number: number)
    }
}

/// Opens the tunnels of one request: one as a rule, a second one if a kept connection has ended meanwhile.
final class SSHTunnelOpener: Sendable {
    /// For a tunnel from a host to itself. What listens there answers at once or refuses.
    private static let patience = Duration.seconds(15)

    private let sessions: SSHSessions
    private let route: SSHRoute
    /// Names the route for libcurl, which never uses a connection of one name for another.
    let name: String
    private let outcome = Mutex<SSHError?>(nil)

    fileprivate init(sessions: SSHSessions, route: SSHRoute, number: Int) {
        self.sessions = sessions
        self.route = route
        name = "ssh \(number)"
    }

    /// Why the last tunnel did not come about; nil if it did.
    var failure: SSHError? { outcome.withLock { $0 } }

    /// Begins a tunnel to a port of the host.
    /// - Returns: a socket to connect, and to what: the other end is the host's port, or ends at once if there is no tunnel.
    ///   Nil when there are no more file descriptors.
    func open(port: Int) -> (client: Int32, address: [UInt8])? {
        guard let door = SSHDoor() else { return nil }
        outcome.withLock { $0 = nil }
        Task {
            await carry(from: door, to: port)
            close(door.listener)
        }
        return (door.client, door.address)
    }

    private func carry(from door: SSHDoor, to port: Int) async {
        let deadline = ContinuousClock.now + Self.patience
        // Whoever sees the socket end looks for the reason, so it is there before.
        var near: Int32?
        do {
            let connection = try await sessions.connection(to: route)
            near = await connection.accept(door, until: deadline)
            if let near { try await connection.carry(near, to: "127.0.0.1", port: port, until: deadline) }
        } catch {
            outcome.withLock { $0 = error as? SSHError ?? SSHError(.lost, route.text, "the tunnel was cancelled") }
            if let near { close(near) }
        }
    }
}
