import Foundation

/// The instances of one version of a function: keeps them running, lends them to calls.
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

    /// How it stands with a version.
    struct Status: Sendable {
        var state: RestartPolicy.State
        var replicas: Int
        var available: Int
        var restarts: Int
        var lastError: String?
    }

    /// What a pool tells its owner.
    struct Events: Sendable {
        /// An instance answered its handshake.
        var ready: @Sendable () async -> Void
        /// An instance was started again.
        var restarted: @Sendable () -> Void
    }

    private struct Slot {
        var policy = RestartPolicy()
        var instance: Instance?
        var task: Task<Void, Never>?
    }

    private let launch: @Sendable () async throws -> Instance.Launch
    private let log: FunctionLog
    private let ledger: InstanceLedger
    private let events: Events
    private var slots: [Slot] = []
    private var idle: [Instance] = []
    private var queue = CallQueue<CheckedContinuation<Result<Instance, Refusal>, Never>>()
    /// Calls that have an instance, or are about to be told which.
    private var running = 0
    private var retired = false
    private var stopping = false
    private var drained: CheckedContinuation<Void, Never>?

    /// - Parameter launch: how to start an instance; asked before each start, so clear secrets are not kept here.
    init(
        launch: @escaping @Sendable () async throws -> Instance.Launch, log: FunctionLog, ledger: InstanceLedger,
        events: Events
    ) {
        self.launch = launch
        self.log = log
        self.ledger = ledger
        self.events = events
    }

    /// Starts instances until there are this many.
    func grow(to count: Int) {
        while slots.count < count, !stopping {
            let index = slots.count
            slots.append(Slot())
            slots[index].task = Task { await self.keep(index) }
        }
    }

    /// Runs a call on the first free instance.
    /// - Parameter timeout: longest wait for the instance, and then longest run.
    func call(id: String, input: [UInt8], timeout: Duration) async throws -> Instance.Outcome {
        let deadline = ContinuousClock.now + timeout
        while true {
            let instance = try await lend(until: deadline)
            let outcome = await instance.call(id: id, input: input, timeout: timeout)
            running -= 1
            switch outcome {
            case .output, .raised: free(instance)
            default: break
            }
            if running == 0, retired { drained?.resume() }
            if running == 0, retired { drained = nil }
            // It ended between its last call and this one, which it never saw: another one may have it.
            if outcome != .notSent { return outcome }
        }
    }

    /// Sends every waiting call elsewhere, lets the running ones finish, and stops.
    func retire() async {
        retired = true
        while let waiter = queue.next() { waiter.resume(returning: .failure(.moved)) }
        if running > 0 { await withCheckedContinuation { drained = $0 } }
        await stop()
    }

    /// Stops every instance now.
    func stop() async {
        stopping = true
        retired = true
        while let waiter = queue.next() { waiter.resume(returning: .failure(.moved)) }
        let tasks = slots.compactMap(\.task)
        for task in tasks { task.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for instance in slots.compactMap(\.instance) { group.addTask { await instance.stop() } }
        }
        for task in tasks { await task.value }
    }

    func status() -> Status {
        let states = slots.map(\.policy.state)
        let state: RestartPolicy.State =
            if states.contains(.crashLoop) { .crashLoop } else if states.contains(.starting) {
                .starting
            } else if states
                .contains(.ready)
            { .ready } else { .stopped }
        return Status(
            state: state, replicas: slots.count, available: states.count { $0 == .ready },
            restarts: slots.reduce(0) { $0 + $1.policy.restarts },
            lastError: slots.compactMap(\.policy.lastError).last)
    }

    private func lend(until deadline: ContinuousClock.Instant) async throws -> Instance {
        if retired { throw Refusal.moved }
        if let instance = idle.popLast() {
            running += 1
            return instance
        }
        var timer: Task<Void, any Error>?
        let lent: Result<Instance, Refusal> = await withCheckedContinuation { continuation in
            guard let ticket = queue.enter(continuation) else {
                return continuation.resume(returning: .failure(.full))
            }
            timer = Task {
                try await Task.sleep(until: deadline, clock: .continuous)
                self.giveUp(ticket)
            }
        }
        timer?.cancel()
        return try lent.get()
    }

    private func giveUp(_ ticket: Int) {
        guard let waiter = queue.leave(ticket) else { return }
        let status = status()
        let reason =
            status.available > 0
            ? "Every instance was busy until the time was up." : "No instance is ready. \(status.lastError ?? "")"
        waiter.resume(returning: .failure(.notReady(reason)))
    }

    private func free(_ instance: Instance) {
        guard slots.contains(where: { $0.instance === instance }), !stopping else { return }
        guard let waiter = queue.next() else { return idle.append(instance) }
        // Counted here and not where the waiter goes on: a `retire` in between must wait for it.
        running += 1
        waiter.resume(returning: .success(instance))
    }

    /// The life of one slot: start, wait for the end, wait as long as the policy says, start again.
    private func keep(_ index: Int) async {
        let clock = ContinuousClock()
        let epoch = clock.now
        while !stopping {
            let before = slots[index].policy.restarts
            slots[index].policy.started()
            if slots[index].policy.restarts > before { events.restarted() }
            let end = await live(index) { (clock.now - epoch) / .seconds(1) }
            guard !stopping else { break }
            let now = (clock.now - epoch) / .seconds(1)
            let delay = slots[index].policy.exited(at: now, reason: end.reason, excused: end.excused)
            try? await Task.sleep(for: .seconds(delay))
        }
        slots[index].policy.stopped()
    }

    /// The life of one instance.
    private func live(_ index: Int, now: () -> Double) async -> Instance.End {
        let launch: Instance.Launch
        do {
            launch = try await self.launch()
        } catch {
            return Instance.End(reason: "\(error)", excused: false)
        }
        guard !stopping else { return Instance.End(reason: "stopped", excused: true) }
        let instance = Instance(launch, log: log, ledger: ledger)
        slots[index].instance = instance
        if await instance.start(), !stopping {
            slots[index].policy.ready(at: now())
            await events.ready()
            free(instance)
        }
        if stopping { await instance.stop() }
        let end = await instance.ended()
        idle.removeAll { $0 === instance }
        slots[index].instance = nil
        return end
    }
}
