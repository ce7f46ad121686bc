import Synchronization

/// What the connections of a client did, for tests and benchmarks.
public struct SSHCounts: Sendable, Hashable {
    /// Logins begun, jump hosts included.
    public var logins = 0
    /// Commands begun.
    public var commands = 0
    /// TCP connections begun from hosts: to hosts behind them, and to what listens on them.
    public var tunnels = 0

    public init() {}
}

/// Counts for all connections of a client.
final class SSHTally: Sendable {
    private let counts = Mutex(SSHCounts())

    var value: SSHCounts { counts.withLock { $0 } }

    func note(_ change: (inout SSHCounts) -> Void) { counts.withLock { change(&$0) } }
}
