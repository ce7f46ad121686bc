import Foundation

/// The instances of one version of a function: keeps as many running as `Scaling` says, lends them to calls.
actor InstancePool {
    /// Why a call got no instance.
    enum Refusal: Error, Sendable, Equatable {
        /// Another version serves now; ask that one.
        case moved
        /// None was free or ready in time, and why.
        case notReady(String)
        /// Too many calls wait.
        case full
    }

    /// An instance that is to be made.
    struct Order: Sendable {
        /// False for one in the place of one that has ended.
        var isFirst: Bool
        /// To be told what is done meanwhile, if that takes long.
        var tell: @Sendable (String) -> Void
    }

    typealias Maker = @Sendable (Order) async throws -> any RunningInstance

    /// What a pool tells its owner.
    struct Events: Sendable {
        /// An instance answered its handshake.
        var ready: @Sendable () async -> Void
        /// An instance was started again.
        var restarted: @Sendable () -> Void
        /// A call found no instance ready.
        var coldStart: @Sendable () -> Void
        /// An instance is ready, or has ended, and why.
        var instance: @Sendable (HubEvent.Kind, _ id: String, _ reason: String?) -> Void = { _, _, _ in }
        /// How many more instances it may start now, whenever that changes; nil when it starts none any more.
        var room: @Sendable (Int?) -> Void = { _ in }
    }

    enum Phase { case starting, resting, free, busy }

    struct Slot {
        var policy = RestartPolicy()
        var phase = Phase.starting
        /// Since when no call needs it.
        var since: Double
        var instance: (any RunningInstance)?
        /// What is done before it can be started, for people.
        var activity: String?
        /// True once an instance was made for it, or could not be.
        var isFilled = false
    }

    struct Loan {
        var slot: Int
        var instance: any RunningInstance
        /// True if the call had to wait for an instance to start.
        var isCold = false
    }

    /// A call that has got its instance and the beginning of its answer, or its end.
    struct Run: Sendable {
        var first: AnswerStream.First
        /// The rest of an answer that has begun.
        var rest: AnswerStream
        /// The instance's id.
        var instance: String
        var startedCold: Bool
    }

    private let make: Maker
    private let events: Events
    private let epoch = ContinuousClock.now
    var scaling: Scaling
    var slots: [Int: Slot] = [:]
    /// Their lives, and those of slots that were given up and still end.
    private var lives: [Int: Task<Void, Never>] = [:]
    private var nextSlot = 0
    /// Slots with a free instance, the one used last at the end: the others get the rest that ends them.
    private var free: [Int] = []
    var queue: CallQueue<CheckedContinuation<Loan, any Error>>
    /// When a call last waited.
    private var lastWait = 0.0
    /// Calls that have an instance, or are about to be told which.
    var running = 0
    private var alarm: (time: Double, task: Task<Void, Never>)?
    /// What slots that are gone have to say.
    var former: (restarts: Int, error: String?) = (0, nil)
    private var retired = false
    private var stopping = false
    /// What was told last as `room`.
    private var room: Int? = 0
    private var drained: CheckedContinuation<Void, Never>?

    /// - Parameters:
    ///   - queueBound: most calls that wait.
    ///   - make: makes an instance; asked before each start, so clear secrets are not kept here.
    init(scale: FunctionSpec.Scale, queueBound: Int, events: Events, make: @escaping Maker) {
        scaling = Scaling(scale)
        scaling.min = 0
        queue = CallQueue(bound: queueBound)
        self.make = make
        self.events = events
    }

    /// Keeps so many instances running from now on, called for or not. Before the first time it is none.
    func keep(atLeast count: Int) {
        scaling.min = count
        rescale()
    }

    /// Runs a call on the first free instance. Once it runs it goes on to its end, whatever becomes of its caller.
    /// - Parameters:
    ///   - patience: when to stop waiting for an instance.
    ///   - timeout: longest run.
    ///   - deadline: when the run ends at the latest; nil if only `timeout` says so.
    /// - Throws: `Refusal`, or `CancellationError` if the caller went away while it waited.
    func call(
        _ call: InstanceCall, waitUntil patience: ContinuousClock.Instant, timeout: Duration,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> Run {
        while true {
            let loan = try await lend(until: patience)
            let time = min(timeout, deadline.map { $0 - .now } ?? timeout)
            let answer = AnswerStream()
            Task(executorPreference: EventLoops.tasks) { await self.run(call, on: loan, to: answer, timeout: time) }
            let first = await answer.first()
            // It ended between its last call and this one, which it never saw: another one may have it.
            if case .end(.notSent) = first { continue }
            return Run(first: first, rest: answer, instance: loan.instance.id, startedCold: loan.isCold)
        }
    }

    private func run(_ call: InstanceCall, on loan: Loan, to answer: AnswerStream, timeout: Duration) async {
        var call = call
        let end = Date().timeIntervalSince1970 + timeout / .seconds(1)
        call.headers[.deadline] = String(Int(end * 1000))
        let outcome = await loan.instance.call(call, to: answer, timeout: timeout)
        running -= 1
        giveBack(loan, after: outcome)
        if running == 0, retired { drained?.resume() }
        if running == 0, retired { drained = nil }
        answer.finish(outcome)
    }

    /// True while a call has an instance or waits for one.
    var isBusy: Bool { running > 0 || queue.count > 0 }

    /// Sends every waiting call elsewhere, lets the running ones finish, and stops.
    func retire() async {
        retired = true
        tellRoom()
        refuseWaiting(.moved)
        if running > 0 { await withCheckedContinuation { drained = $0 } }
        await stop()
    }

    /// Stops every instance now.
    func stop() async {
        stopping = true
        retired = true
        tellRoom()
        refuseWaiting(.moved)
        alarm?.task.cancel()
        let lives = Array(lives.values)
        for life in lives { life.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for instance in slots.values.compactMap(\.instance) { group.addTask { await instance.stop() } }
        }
        for life in lives { await life.value }
    }
}

// Calls.
extension InstancePool {
    private func lend(until deadline: ContinuousClock.Instant) async throws -> Loan {
        if retired { throw Refusal.moved }
        if let slot = free.popLast(), let instance = slots[slot]?.instance { return loan(slot, instance) }
        let isCold = !slots.values.contains { $0.policy.state == .ready }
        let ticket = queue.ticket()
        let timer = Task(executorPreference: EventLoops.tasks) {
            try await Task.sleep(until: deadline, clock: .continuous)
            await self.giveUp(ticket)
        }
        defer { timer.cancel() }
        var loan = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard queue.enter(ticket, continuation) else { return continuation.resume(throwing: Refusal.full) }
                if isCold { events.coldStart() }
                rescale()
            }
        } onCancel: {
            Task { await self.leave(ticket, CancellationError()) }
        }
        loan.isCold = isCold
        return loan
    }

    private func loan(_ slot: Int, _ instance: any RunningInstance) -> Loan {
        slots[slot]?.phase = .busy
        // Counted here and not where a waiter goes on: a `retire` in between must wait for it.
        running += 1
        return Loan(slot: slot, instance: instance)
    }

    private func giveBack(_ loan: Loan, after outcome: Instance.Outcome) {
        // The process may have ended, and another one may have its slot.
        guard let slot = slots[loan.slot], slot.instance === loan.instance, slot.phase == .busy else { return }
        if outcome.leavesInstance {
            if slots[loan.slot]?.policy.worked() == true { Task { await loan.instance.giveWay(false) } }
            return offer(loan.slot)
        }
        slots[loan.slot]?.phase = .starting
        slots[loan.slot]?.since = now
    }

    /// Hands an instance to the call that waits longest, or keeps it for the next one.
    private func offer(_ slot: Int) {
        guard isWanted(slot), let instance = slots[slot]?.instance else { return }
        slots[slot]?.since = now
        if let waiter = queue.next() {
            lastWait = now
            return waiter.resume(returning: loan(slot, instance))
        }
        slots[slot]?.phase = .free
        free.append(slot)
        rescale()
    }

    private func giveUp(_ ticket: Int) {
        let status = status()
        let reason =
            status.available > 0
            ? "Every instance was busy until the time was up."
            : "No instance is ready. \(restReason ?? status.lastError ?? "")"
        leave(ticket, Refusal.notReady(reason))
    }

    private func leave(_ ticket: Int, _ error: any Error) {
        guard let waiter = queue.leave(ticket) else { return }
        lastWait = now
        waiter.resume(throwing: error)
        rescale()
    }

    /// Why it rests though nothing is wrong with its start.
    private var restReason: String? {
        let kills = slots.values.filter { $0.phase == .resting }.map(\.policy.killsInRow).max() ?? 0
        guard kills > RestartPolicy.freeKills else { return nil }
        return "It was killed \(kills) times in a row for what its calls did, and rests before it is started again."
    }

    private func refuseWaiting(_ refusal: Refusal) {
        while let waiter = queue.next() { waiter.resume(throwing: refusal) }
        lastWait = now
    }
}

// Instances.
extension InstancePool {
    /// Seconds since this pool was made.
    private var now: Double { (ContinuousClock.now - epoch) / .seconds(1) }

    private func isWanted(_ slot: Int) -> Bool { !stopping && slots[slot] != nil }

    private func rescale() {
        defer { tellRoom() }
        while !retired {
            switch scaling.step(load, now: now) {
            case .start(let count): for _ in 0..<count { open() }
            case .stop(let slot): giveUpSlot(slot)
            case .rest(let time):
                if let time { wake(at: time) }
                return
            }
        }
    }

    private func tellRoom() {
        // One that is opened counts from when it has its first instance, which may be the one that waited for it.
        let now = retired ? nil : max(0, scaling.max - slots.values.count(where: \.isFilled))
        guard now != room else { return }
        room = now
        events.room(now)
    }

    private var load: Scaling.Load {
        var load = Scaling.Load(waiting: queue.count)
        for (id, slot) in slots {
            switch slot.phase {
            case .busy: load.running += 1
            case .free: load.free.append(.init(id: id, since: slot.since))
            case .starting, .resting: load.pending.append(.init(id: id, since: max(slot.since, lastWait)))
            }
            if slot.phase == .resting { load.failing = true }
        }
        return load
    }

    /// Asks again at that time. An alarm that comes too early is no harm, so it is not moved with every call.
    private func wake(at time: Double) {
        if let alarm, alarm.time <= time { return }
        alarm?.task.cancel()
        let instant = epoch + .seconds(time)
        let task = Task {
            guard (try? await Task.sleep(until: instant, clock: .continuous)) != nil else { return }
            self.alarm = nil
            self.rescale()
        }
        alarm = (time, task)
    }

    private func open() {
        nextSlot += 1
        let slot = nextSlot
        slots[slot] = Slot(since: now)
        lives[slot] = Task { await self.live(slot) }
    }

    /// Ends an instance without a call; who waits for the pool to stop waits for it too.
    private func giveUpSlot(_ id: Int) {
        guard let slot = slots.removeValue(forKey: id) else { return }
        free.removeAll { $0 == id }
        former = (former.restarts + slot.policy.restarts, slot.policy.lastError ?? former.error)
        lives[id]?.cancel()
        if let instance = slot.instance { Task { await instance.stop() } }
    }

    /// The life of one slot: start, wait for the end, wait as long as the policy says, start again.
    private func live(_ id: Int) async {
        while isWanted(id), var policy = slots[id]?.policy {
            let before = policy.restarts
            policy.started()
            if policy.restarts > before { events.restarted() }
            slots[id]?.policy = policy
            slots[id]?.phase = .starting
            let end = await run(id)
            guard isWanted(id), var policy = slots[id]?.policy else { break }
            let started = policy.state == .ready
            let delay = policy.exited(at: now, reason: end.reason, excused: end.excused)
            slots[id]?.policy = policy
            slots[id]?.phase = delay > 0 ? .resting : .starting
            if !started, !end.excused { lament(end.reason) }
            rescale()
            try? await Task.sleep(for: .seconds(delay))
        }
        slots[id]?.policy.stopped()
        lives[id] = nil
    }

    /// Tells those who wait that no instance starts. While another one is ready or on its way, it may serve them.
    private func lament(_ reason: String) {
        guard slots.values.allSatisfy({ $0.phase == .resting }) else { return }
        refuseWaiting(.notReady("No instance starts. \(reason)"))
    }

    /// An instance is being made, and this is done for it.
    private func note(_ activity: String, of id: Int) {
        if slots[id]?.instance == nil { slots[id]?.activity = activity }
    }

    /// The life of one instance.
    private func run(_ id: Int) async -> Instance.End {
        let instance: any RunningInstance
        do {
            defer {
                slots[id]?.isFilled = true
                tellRoom()
            }
            let isFirst = slots[id]?.isFilled == false
            instance = try await make(
                Order(isFirst: isFirst) { activity in Task { await self.note(activity, of: id) } })
        } catch {
            slots[id]?.activity = nil
            return Instance.End(reason: "\(error)", excused: false)
        }
        guard isWanted(id) else {
            await instance.stop()
            return Instance.End(reason: "stopped", excused: true)
        }
        if slots[id]?.policy.probation ?? 0 > 0 { await instance.giveWay(true) }
        slots[id]?.instance = instance
        slots[id]?.activity = nil
        if await instance.start(), isWanted(id) {
            slots[id]?.policy.ready(at: now)
            events.instance(.instanceStarted, instance.id, nil)
            await events.ready()
            offer(id)
        }
        if !isWanted(id) { await instance.stop() }
        let end = await instance.ended()
        events.instance(.instanceEnded, instance.id, end.reason)
        free.removeAll { $0 == id }
        slots[id]?.instance = nil
        slots[id]?.phase = .starting
        return end
    }
}
