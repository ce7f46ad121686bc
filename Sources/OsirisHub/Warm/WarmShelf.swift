/// The interpreters that wait for a function, and what is to be done next. Plain: it is told what happens and when, in
/// seconds of any clock that only goes forward.
struct WarmShelf: Sendable {
    /// A started interpreter.
    struct Item: Sendable {
        let instance: Instance
        let launch: Instance.Launch
        /// Resident memory.
        let bytes: Int
    }

    /// One version of a function.
    struct Seat: Sendable {
        /// Instances that it could still start.
        var room = 0
        /// Nil if it is not known, or none does.
        var shape: WarmShape?
        /// True once an interpreter that was started before refused it.
        var isRefused = false
    }

    /// What happened since the hub started.
    struct Counts: Sendable, Equatable {
        /// Instances that needed no start.
        var taken = 0
        /// Instances that were started because none waited.
        var missed = 0
        /// Interpreters that ended, or did not start, before they had a function.
        var ended = 0
        var lastError: String?
    }

    enum Step: Sendable {
        case stop(Item)
        case start(WarmShape)
        /// Nothing, until this time if it is not nil.
        case rest(until: Double?)
    }

    /// What one takes before any was measured, bytes.
    static let usualBytes = 67_108_864
    /// How long the call that took one has the processor for itself before the next one is started, seconds.
    static let refillPause = 0.2

    let bounds: WarmPlan.Bounds
    private(set) var counts: [FunctionSpec.Runtime: Counts] = [:]
    private(set) var items: [WarmShape: [Item]] = [:]
    private var seats: [Int: Seat] = [:]
    /// Instances that the seats could still start, above 0.
    private var room: [WarmShape: Int] = [:]
    private var nextSeat = 0
    private var discarded: [Item] = []
    private var policies: [WarmShape: RestartPolicy] = [:]
    private var notBefore: [WarmShape: Double] = [:]
    private var lastUse: [WarmShape: Double] = [:]
    private var cost: [WarmShape: Int] = [:]
    private var isClosed = false

    init(_ bounds: WarmPlan.Bounds) { self.bounds = bounds }

    // Functions.

    /// A version is there.
    /// - Returns: its number.
    mutating func seat() -> Int {
        nextSeat += 1
        seats[nextSeat] = Seat()
        return nextSeat
    }

    /// - Parameter room: instances that it could still start; nil when it is gone.
    mutating func room(_ seat: Int, _ room: Int?) {
        update(seat) { $0?.room = room ?? 0 }
        if room == nil { seats[seat] = nil }
    }

    mutating func know(_ seat: Int, _ shape: WarmShape?) {
        update(seat) { if $0?.isRefused == false { $0?.shape = shape } }
    }

    mutating func refuse(_ seat: Int) {
        update(seat) { $0?.shape = nil }
        seats[seat]?.isRefused = true
    }

    func isRefused(_ seat: Int) -> Bool { seats[seat]?.isRefused ?? true }

    /// Changes a seat, and the sums with it: with thousands of functions nobody should add them up again and again.
    private mutating func update(_ seat: Int, _ change: (inout Seat?) -> Void) {
        let before = seats[seat]
        change(&seats[seat])
        for (seat, sign) in [(before, -1), (seats[seat], 1)] {
            guard let seat, let shape = seat.shape else { continue }
            let sum = room[shape, default: 0] + sign * seat.room
            room[shape] = sum > 0 ? sum : nil
        }
    }

    // Interpreters.

    /// Takes one that waits.
    mutating func take(_ shape: WarmShape, at now: Double) -> Item? {
        lastUse[shape] = now
        guard !isClosed, let item = items[shape]?.popLast() else {
            counts[shape.runtime, default: Counts()].missed += 1
            return nil
        }
        counts[shape.runtime, default: Counts()].taken += 1
        notBefore[shape] = max(notBefore[shape] ?? 0, now + Self.refillPause)
        return item
    }

    /// One that was taken is of no use.
    /// - Parameter reason: nil if that is not its fault.
    mutating func discard(_ item: Item, _ shape: WarmShape, reason: String?) {
        discarded.append(item)
        counts[shape.runtime, default: Counts()].taken -= 1
        if let reason { note(reason, shape) }
    }

    mutating func willStart(_ shape: WarmShape) { policies[shape, default: RestartPolicy()].started() }

    /// - Returns: false if it is not wanted any more.
    mutating func started(_ item: Item, _ shape: WarmShape, at now: Double) -> Bool {
        cost[shape] = item.bytes
        policies[shape]?.ready(at: now)
        guard !isClosed else { return false }
        items[shape, default: []].append(item)
        return true
    }

    /// One did not start, or ended before it was taken.
    mutating func ended(_ instance: Instance?, _ shape: WarmShape, reason: String, at now: Double) {
        if let instance {
            guard items[shape]?.contains(where: { $0.instance === instance }) == true else { return }
            items[shape]?.removeAll { $0.instance === instance }
        }
        note(reason, shape)
        let delay = policies[shape]?.exited(at: now, reason: reason) ?? 0
        notBefore[shape] = max(notBefore[shape] ?? 0, now + delay)
    }

    private mutating func note(_ reason: String, _ shape: WarmShape) {
        counts[shape.runtime, default: Counts()].ended += 1
        counts[shape.runtime]?.lastError = reason
    }

    /// What is to be done now; what it names is done after that.
    mutating func next(at now: Double) -> Step {
        if let item = discarded.popLast() { return .stop(item) }
        let wanted = wanted
        for (shape, waiting) in items where waiting.count > wanted[shape] ?? 0 {
            if let item = items[shape]?.removeFirst() { return .stop(item) }
        }
        let missing = wanted.filter { items[$0.key]?.count ?? 0 < $0.value }.keys
        if let shape = missing.first(where: { notBefore[$0] ?? 0 <= now }) { return .start(shape) }
        return .rest(until: missing.compactMap { notBefore[$0] }.min())
    }

    private var wanted: [WarmShape: Int] {
        if isClosed { return [:] }
        var demand: [WarmShape: WarmPlan.Demand] = [:]
        for (shape, room) in room { demand[shape] = .init(instances: room, lastUse: lastUse[shape] ?? 0) }
        return WarmPlan.wanted(demand, within: bounds) { cost[$0] ?? Self.usualBytes }
    }

    /// No more of them.
    mutating func close() { isClosed = true }
}
