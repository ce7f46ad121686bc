import Foundation
import Synchronization

/// Keeps a few interpreters started that have no function yet, so that a call of a function at zero waits for none.
///
/// Each is started behind the same sandbox and limits, as a user of its own, as the instance it may become; it gets its
/// function's files in an empty folder that was bound at its start, and handler, environment and secrets over its stdin.
/// It is used once.
final class WarmPool: Sendable {
    private let store: VersionStore
    private let ledger: InstanceLedger
    private let epoch = ContinuousClock.now
    private let shelf: Mutex<WarmShelf>
    private let news: AsyncStream<Void>.Continuation
    private let worker = Mutex<Task<Void, Never>?>(nil)
    private let alarm = Mutex<Double?>(nil)
    /// The one that is being started.
    private let starting = Mutex<Instance?>(nil)

    init(store: VersionStore, ledger: InstanceLedger, bounds: WarmPlan.Bounds) {
        self.store = store
        self.ledger = ledger
        shelf = Mutex(WarmShelf(bounds))
        let (stream, news) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.news = news
        if bounds.each > 0 {
            worker.withLock { $0 = Task { [weak self] in for await _ in stream { await self?.work() } } }
        }
    }

    /// Ends those that wait; from now on every instance starts by itself.
    func stop() async {
        change { $0.close() }
        news.finish()
        // Nobody waits for an interpreter that does not come up.
        await starting.withLock { $0 }?.stop()
        await worker.withLock { $0 }?.value
        // The worker may have been between two steps.
        await work()
    }

    // Functions.

    /// A version is there.
    /// - Returns: its number.
    func seat() -> Int { shelf.withLock { $0.seat() } }

    /// - Parameter room: instances that the version could still start; nil when it is gone.
    func room(_ seat: Int, _ room: Int?) { change { $0.room(seat, room) } }

    /// A version's files are there.
    /// - Parameter dependencies: where what it needs besides its source is; nil for nothing.
    func know(_ seat: Int, _ entry: CatalogEntry, dependencies: String?) async {
        let shape = await store.warmShape(entry, dependencies: dependencies)
        change { $0.know(seat, shape) }
    }

    /// An instance of a version out of an interpreter that waits.
    /// - Returns: nil if there is none, or the version must start by itself.
    func instance(
        for seat: Int, _ entry: CatalogEntry, dependencies: String?, log: any LogSink
    ) async -> Instance? {
        guard shelf.withLock({ $0.bounds.each > 0 && !$0.isRefused(seat) }),
            let shape = await store.warmShape(entry, dependencies: dependencies)
        else { return nil }
        let now = now
        let item = change { shelf in
            shelf.know(seat, shape)
            return shelf.take(shape, at: now)
        }
        guard let item else { return nil }
        switch (try? await store.hand(entry, to: item.instance, of: item.launch, log: log)) ?? .gone {
        case .taken: return item.instance
        case .refused:
            change { shelf in
                shelf.refuse(seat)
                shelf.discard(item, shape, reason: nil)
            }
        case .gone: change { $0.discard(item, shape, reason: "it did not take its function") }
        }
        return nil
    }

    // Interpreters.

    private var now: Double { (ContinuousClock.now - epoch) / .seconds(1) }

    private func change<T: Sendable>(_ body: (inout sending WarmShelf) -> sending T) -> T {
        defer { news.yield() }
        return shelf.withLock(body)
    }

    /// One after the other: more at once would take the processors from calls.
    private func work() async {
        while true {
            let now = now
            switch shelf.withLock({ $0.next(at: now) }) {
            case .stop(let item): await item.instance.stop()
            case .start(let shape): await start(shape)
            case .rest(let time):
                if let time { wake(at: time) }
                return
            }
        }
    }

    private func wake(at time: Double) {
        let isNew = alarm.withLock { alarm in
            defer { alarm = min(alarm ?? time, time) }
            return alarm.map { time < $0 } ?? true
        }
        guard isNew else { return }
        let instant = epoch + .seconds(time)
        Task { [weak self] in
            try? await Task.sleep(until: instant, clock: .continuous)
            self?.alarm.withLock { $0 = nil }
            self?.news.yield()
        }
    }

    private func start(_ shape: WarmShape) async {
        shelf.withLock { $0.willStart(shape) }
        let instance: Instance
        let launch: Instance.Launch
        do {
            launch = try await store.warmLaunch(shape)
            instance = Instance(launch, log: NoLog(), ledger: ledger)
        } catch {
            let (reason, now) = ("\(error)", now)
            return shelf.withLock { $0.ended(nil, shape, reason: reason, at: now) }
        }
        starting.withLock { $0 = instance }
        defer { starting.withLock { $0 = nil } }
        guard await instance.prepare() else {
            await instance.stop()
            let (reason, now) = (await instance.ended().reason, now)
            return shelf.withLock { $0.ended(nil, shape, reason: reason, at: now) }
        }
        let leader = await instance.pid.flatMap { ProcessIdentity(pid: $0) }
        let bytes = (try? await BlockingWork.run { leader?.sessionMemory() ?? 0 }) ?? 0
        let item = WarmShelf.Item(instance: instance, launch: launch, bytes: bytes)
        let now = now
        guard shelf.withLock({ $0.started(item, shape, at: now) }) else { return await instance.stop() }
        Task { [weak self] in
            let reason = await instance.ended().reason
            guard let self else { return }
            let now = self.now
            change { $0.ended(instance, shape, reason: reason, at: now) }
        }
    }
}

// What it tells of itself.
extension WarmPool {
    /// As `/system/info` shows it.
    struct View: Codable, Sendable, Equatable {
        struct Runtime: Codable, Sendable, Equatable {
            /// Those that wait for a function, and their resident memory.
            var ready = 0
            var bytes = 0
            /// As `WarmShelf.Counts`.
            var taken = 0
            var missed = 0
            var ended = 0
            var lastError: String?
        }

        var each: Int
        var most: Int
        var mostBytes: Int
        /// By the runtime's name, for those that had anything.
        var runtimes: [String: Runtime]
    }

    var view: View {
        shelf.withLock { shelf in
            var view = View(
                each: shelf.bounds.each, most: shelf.bounds.most, mostBytes: shelf.bounds.bytes, runtimes: [:])
            for (runtime, counts) in shelf.counts {
                view.runtimes[runtime.rawValue] = .init(
                    taken: counts.taken, missed: counts.missed, ended: counts.ended, lastError: counts.lastError)
            }
            for (shape, items) in shelf.items where !items.isEmpty {
                view.runtimes[shape.runtime.rawValue, default: .init()].ready += items.count
                view.runtimes[shape.runtime.rawValue]?.bytes += items.reduce(0) { $0 + $1.bytes }
            }
            return view
        }
    }

    /// In the Prometheus text format.
    func metricsText() -> String {
        let runtimes = view.runtimes.sorted { $0.key < $1.key }
        var text = MetricsText()
        let metrics: [(String, String, String, (View.Runtime) -> Int)] = [
            ("osiris_warm_instances", "gauge", "Interpreters that wait for a function.", { $0.ready }),
            ("osiris_warm_bytes", "gauge", "Resident memory of interpreters that wait for a function.", { $0.bytes }),
            ("osiris_warm_taken_total", "counter", "Instances that began as a waiting interpreter.", { $0.taken }),
            ("osiris_warm_missed_total", "counter", "Instances that found no waiting interpreter.", { $0.missed }),
            ("osiris_warm_ended_total", "counter", "Interpreters that ended before they had a function.", { $0.ended }),
        ]
        for (name, type, help, value) in metrics {
            text.head(name, type, help)
            for (runtime, counts) in runtimes { text.sample(name, [("runtime", runtime)], String(value(counts))) }
        }
        return text.text
    }
}
