/// A running process of a function as `GET /system/instances` shows it.
public struct InstanceView: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable {
        /// It has not answered its handshake yet.
        case starting
        /// It waits for a call.
        case free
        /// It works on a call.
        case busy
        /// It ended; another one is started after a pause.
        case resting
    }

    /// Absent while none runs.
    public var id: String?
    public var name: String
    public var namespace: String
    public var version: Int
    public var state: State
    /// When its process was started: seconds since 1970, UTC; absent while none runs.
    public var since: Double?
    /// As the hub's host sees it; absent while none runs.
    public var pid: Int32?
    /// How many came before it in its place.
    public var restarts: Int
}

extension Controller {
    /// The instances there are now, those of a version that is being replaced among them. This is kept in memory only:
    /// no instance outlives its hub.
    /// - Parameters:
    ///   - namespace: nil for all.
    ///   - name: nil for all.
    public func instances(namespace: String?, name: String?) async -> [InstanceView] {
        var views: [InstanceView] = []
        let wanted = units.filter { unit in
            (namespace ?? unit.key.namespace) == unit.key.namespace && (name ?? unit.key.name) == unit.key.name
        }
        for (name, unit) in wanted.sorted(by: { ($0.key.namespace, $0.key.name) < ($1.key.namespace, $1.key.name) }) {
            for version in [unit.previous, unit.wanted].compactMap(\.self) {
                for slot in await version.pool.instances() {
                    views.append(
                        InstanceView(
                            id: slot.id, name: name.name, namespace: name.namespace, version: version.entry.version,
                            state: slot.state, since: slot.since, pid: slot.pid, restarts: slot.restarts))
                }
            }
        }
        return views
    }
}
