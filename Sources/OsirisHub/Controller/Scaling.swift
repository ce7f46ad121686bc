/// How many instances one version of a function should have. Plain: it is told how it stands and says what to do, in
/// seconds of any clock that only goes forward. It remembers nothing.
struct Scaling: Sendable, Equatable {
    /// An instance without a call.
    struct Spare: Sendable, Equatable {
        var id: Int
        /// Since when nobody needs it.
        var since: Double
    }

    /// How it stands.
    struct Load: Sendable, Equatable {
        /// Calls that have no instance.
        var waiting = 0
        /// Instances with a call.
        var running = 0
        /// Instances that could take a call now.
        var free: [Spare] = []
        /// Instances that are being started, or wait for their next start.
        var pending: [Spare] = []
        /// True if a pending one ended before and waits: more of the same would end too.
        var failing = false

        var ready: Int { running + free.count }
        var total: Int { ready + pending.count }
    }

    /// What to do now. One step either starts or stops, never both.
    enum Step: Sendable, Equatable {
        /// Start so many, at least 1.
        case start(Int)
        /// Stop this one, then ask again.
        case stop(Int)
        /// Nothing; ask again when something happens, and at this time if it is not nil.
        case rest(until: Double?)
    }

    /// Instances kept, called for or not.
    var min: Int
    /// Most instances.
    var max: Int
    /// Calls per instance beyond which another one is started, from 1.
    var concurrency: Int
    /// How long an instance above `min` stays without a call, seconds.
    var idle: Double

    init(_ scale: FunctionSpec.Scale) {
        min = scale.min
        max = scale.max
        concurrency = scale.concurrency
        idle = Double(scale.idleMs) / 1000
    }

    /// Starts at once what the calls need; stops what has been without one for `idle`, one at a time.
    func step(_ load: Load, now: Double) -> Step {
        let wanted = wanted(load)
        if load.total < wanted { return .start(wanted - load.total) }
        guard load.waiting == 0, load.total > min else { return .rest(until: nil) }
        // Those that are not ready go first, and of the ready ones `min` stay whatever the others do.
        let spare = [load.pending, load.ready > min ? load.free : []].flatMap { $0.sorted { $0.since < $1.since } }
        if let over = spare.first(where: { $0.since + idle <= now }) { return .stop(over.id) }
        return .rest(until: spare.map { $0.since + idle }.min())
    }

    private func wanted(_ load: Load) -> Int {
        let called = (load.waiting + load.running + concurrency - 1) / concurrency
        let most = load.failing ? Swift.min(load.total, max) : max
        return Swift.max(min, Swift.min(called, most))
    }
}
