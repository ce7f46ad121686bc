import Foundation
import Logging
import Synchronization

/// Everything the hub knows about itself: metrics, series, usage, events and alerts, from one report for each call and
/// a look at the functions every now and then.
final class Observation: Sendable {
    /// Time between two looks at the functions.
    static let interval = Duration.seconds(2)
    /// Time between two writes of usage.
    static let usageInterval = Duration.seconds(10)

    let metrics: Metrics
    let events: Events
    let alerts: Alerts
    private let store: ObservationStore
    private let folder: String
    private let logger: Logger
    /// When the hub's certificate ends, seconds since 1970; nil without one.
    private let certificateEnd: @Sendable () -> Double?
    private let usage = Mutex(UsageCount())
    private let series = Mutex(CallSeries())
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// Opens `usage.db` in the data folder.
    /// - Parameter post: sends a message once.
    static func open(
        _ data: DataFolder, config: HubConfig, logger: Logger,
        certificateEnd: @escaping @Sendable () -> Double? = { nil },
        post: @escaping Alerts.Post
    ) async throws -> Observation {
        try await BlockingWork.run { try data.keepPrivate(data.usage) }
        let store = try await ObservationStore.open(path: data.usage)
        let events = Events(store: store, logger: logger)
        let alerts = try await Alerts(
            config.alerts ?? [], cluster: config.cluster, hub: config.address, store: store, events: events,
            logger: logger, post: post)
        return Observation(
            store: store, events: events, alerts: alerts, folder: data.path, logger: logger,
            certificateEnd: certificateEnd)
    }

    private init(
        store: ObservationStore, events: Events, alerts: Alerts, folder: String, logger: Logger,
        certificateEnd: @escaping @Sendable () -> Double?
    ) {
        metrics = Metrics()
        self.store = store
        self.events = events
        self.alerts = alerts
        self.folder = folder
        self.logger = logger
        self.certificateEnd = certificateEnd
    }

    /// Counts a call that was answered. One of a function nobody deployed is not counted: names that callers make up
    /// would let the counts grow without end.
    func called(_ call: CallReport) {
        guard metrics.knows(call.function) else { return }
        let now = Date().timeIntervalSince1970
        metrics.called(call.function, code: call.status, seconds: call.seconds)
        usage.withLock { $0.add(call, at: now) }
        series.withLock { $0.add(call, at: now) }
    }

    /// Adds to a call that was counted already what it was answered with piece by piece.
    func streamed(_ function: FunctionName, caller: String, bytesOut: Int) {
        guard metrics.knows(function) else { return }
        let now = Date().timeIntervalSince1970
        usage.withLock { $0.add(bytesOut: bytesOut, function, caller: caller, at: now) }
    }

    /// A function is there.
    func know(_ function: FunctionName) { metrics.know(function) }

    /// A function is gone. Its usage stays.
    func forget(_ function: FunctionName) {
        metrics.forget(function)
        series.withLock { $0.forget(function) }
    }

    /// The minutes of each function that had calls.
    func minutes(of functions: [FunctionName], last count: Int) -> [(FunctionName, [CallSeries.Minute])] {
        let series = series.withLock { $0 }
        let now = Date().timeIntervalSince1970
        return functions.map { ($0, series.minutes(of: $0, last: count, at: now)) }
    }

    /// Sums up usage, the newest calls among it.
    func usage(
        from: Double, to: Double, in scope: ObservationStore.Scope, by grouping: UsageGrouping
    ) async throws -> [UsageRow] {
        try await writeUsage()
        return try await store.usage(from: from, to: to, in: scope, by: grouping)
    }

    /// Every namespace with usage or events.
    func namespaces() async throws -> [String] { try await store.namespaces() }

    /// Begins to watch.
    func start(_ controller: Controller) {
        events.tell(.hubStarted, nil, "version \(HubVersion.current)")
        tasks.withLock { tasks in
            tasks = [
                Task { await self.events.run() },
                Task { await self.watch(controller) },
                Task {
                    while !Task.isCancelled {
                        await self.alerts.deliver(at: Date().timeIntervalSince1970)
                        try? await Task.sleep(for: .seconds(1))
                    }
                },
                Task {
                    while (try? await Task.sleep(for: Self.usageInterval)) != nil { await self.saveUsage() }
                },
            ]
        }
    }

    /// Ends everything and writes down what is known.
    func stop() async {
        events.end()
        let tasks = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        // The first one stores the last events and ends by itself.
        for task in tasks.dropFirst() { task.cancel() }
        for task in tasks { await task.value }
        await saveUsage()
        let store = store
        try? await BlockingWork.run { try store.close() }
    }

    private func watch(_ controller: Controller) async {
        var watch = Watch()
        while !Task.isCancelled {
            let look = await look(controller)
            let now = Date().timeIntervalSince1970
            for news in watch.news(look, at: now) {
                events.tell(news.kind, news.function, version: news.version, news.message)
            }
            // A hub that ends on purpose is not in trouble.
            if await !controller.closing { await alerts.look(Watch.troubles(look), at: now) }
            try? await Task.sleep(for: Self.interval)
        }
    }

    private func look(_ controller: Controller) async -> Watch.Look {
        let functions = await controller.list()
        var look = Watch.Look(functions: functions, readiness: await controller.readiness())
        let series = series.withLock { $0 }
        let now = Date().timeIntervalSince1970
        for rate in alerts.rates {
            look.rates[rate] = Dictionary(
                uniqueKeysWithValues: functions.map(\.functionName).map {
                    ($0, series.total(of: $0, last: Double(rate.windowMs) / 1000, at: now))
                })
        }
        let folder = folder
        look.disk = try? await BlockingWork.run { Watch.disk(folder) }
        look.certificateEnd = certificateEnd()
        return look
    }

    private func saveUsage() async {
        do { try await writeUsage() } catch { logger.error("Usage cannot be stored: \(error)") }
    }

    private func writeUsage() async throws {
        let sums = usage.withLock { $0.take() }
        guard !sums.isEmpty else { return }
        do {
            try await store.add(sums, now: Date().timeIntervalSince1970)
        } catch {
            usage.withLock { $0.putBack(sums) }
            throw error
        }
    }
}
