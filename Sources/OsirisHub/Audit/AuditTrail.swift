import Foundation
import Hummingbird
import Synchronization

/// What one control call has to say for the audit log while it runs.
///
/// The router begins it and sees that it is recorded before the answer goes out. A handler adds what only it knows; one
/// that changes the catalog hands `entry` to the change, so that both are in one transaction.
public final class AuditTrail: Sendable {
    private struct State {
        var entry: AuditEntry
        /// Status of the record that was written with the change.
        var written: Int?
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - action: what is asked for, such as `deploy`.
    ///   - client: IP address of the caller.
    ///   - call: id of the call.
    public init(action: String, client: String, call: String) {
        let now = Int(Date().timeIntervalSince1970 * 1000)
        state = Mutex(
            State(entry: AuditEntry(time: now, caller: "unknown", role: "", client: client, action: action, call: call))
        )
    }

    func by(_ caller: Caller) {
        state.withLock { ($0.entry.caller, $0.entry.role) = (caller.name, caller.role.rawValue) }
    }

    /// Says which function the call is about.
    public func about(_ name: FunctionName) {
        // What somebody sends may be of any length; what is kept for good is not.
        state.withLock { $0.entry.function = String("\(name.namespace)/\(name.name)".prefix(130)) }
    }

    /// Says which token the call is about.
    func about(token: String) { state.withLock { $0.entry.token = String(token.prefix(64)) } }

    /// Says what the call put in place.
    public func about(digest: String) { state.withLock { $0.entry.digest = digest } }

    /// The record to be written together with a change.
    func entry(status: Int, version: Int? = nil, digest: String = "") -> AuditEntry {
        state.withLock { state in
            var entry = state.entry
            (entry.status, entry.version) = (status, version)
            if !digest.isEmpty { entry.digest = digest }
            return entry
        }
    }

    /// Says that the record is written.
    func isWritten(_ entry: AuditEntry?) {
        guard let entry else { return }
        state.withLock { $0.written = entry.status }
    }

    /// Writes the record unless the change did. A call whose change was made and that failed after has two.
    func close(status: Int, code: String, in log: any AuditLog) async throws {
        let entry = state.withLock { state -> AuditEntry? in
            if state.written == status { return nil }
            state.entry.status = status
            state.entry.code = code
            return state.entry
        }
        if let entry { try await log.record(entry) }
    }
}

/// How many calls that have no right to what they ask for are recorded: whoever can reach the hub could fill the log.
final class RefusalBound: Sendable {
    static let perMinute = 30

    private let state = Mutex((minute: 0, count: 0))

    /// True if one more is recorded now.
    /// - Parameter now: seconds of any clock.
    func admits(now: Double) -> Bool {
        state.withLock { state in
            let minute = Int(now / 60)
            if state.minute != minute { state = (minute, 0) }
            state.count += 1
            return state.count <= Self.perMinute
        }
    }
}
