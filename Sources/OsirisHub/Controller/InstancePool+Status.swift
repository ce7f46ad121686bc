/// What a pool tells of itself.
extension InstancePool {
    /// How it stands with a version.
    struct Status: Sendable {
        var state: RestartPolicy.State
        /// Instances wanted.
        var replicas: Int
        /// Instances ready.
        var available: Int
        /// Instances that are being started, or wait for their next start.
        var starting: Int
        /// Calls without an instance.
        var waiting: Int
        /// Calls with one.
        var running: Int
        var restarts: Int
        var lastError: String?
        /// What is done before an instance can be started, for people; nil if nothing is.
        var activity: String?
    }

    func status() -> Status {
        let slots = slots.sorted { $0.key < $1.key }.map(\.value)
        let states = slots.map(\.policy.state)
        let ready = states.count { $0 == .ready }
        let state: RestartPolicy.State =
            if states.contains(.crashLoop) {
                .crashLoop
            } else if ready >= max(scaling.min, 1) {
                .ready
            } else if states.contains(.starting) {
                .starting
            } else {
                .stopped
            }
        return Status(
            state: state, replicas: slots.count, available: ready,
            starting: slots.count { $0.phase == .starting || $0.phase == .resting }, waiting: queue.count,
            running: running, restarts: slots.reduce(former.restarts) { $0 + $1.policy.restarts },
            lastError: slots.compactMap(\.policy.lastError).last ?? former.error,
            activity: slots.lazy.compactMap(\.activity).first)
    }

    /// One of the places that instances run in.
    struct Place: Sendable {
        var id: String?
        var state: InstanceView.State
        /// Seconds since 1970.
        var since: Double?
        var pid: Int32?
        var restarts: Int
    }

    /// Every place, in the order they were opened.
    func instances() async -> [Place] {
        var places: [Place] = []
        for (_, slot) in slots.sorted(by: { $0.key < $1.key }) {
            let state: InstanceView.State =
                switch slot.phase {
                case .starting: .starting
                case .resting: .resting
                case .free: .free
                case .busy: .busy
                }
            places.append(
                Place(
                    id: slot.instance?.id, state: state, since: slot.instance?.since, pid: await slot.instance?.pid,
                    restarts: slot.policy.restarts))
        }
        return places
    }
}
