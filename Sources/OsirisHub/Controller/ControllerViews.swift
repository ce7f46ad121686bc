extension Controller {
    /// Every function, by namespace and name.
    public func list() async -> [FunctionStatus] {
        var list: [FunctionStatus] = []
        for name in units.keys.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            if let status = await status(name) { list.append(status) }
        }
        return list
    }

    /// One function, nil if there is none.
    public func status(_ name: FunctionName) async -> FunctionStatus? {
        guard let unit = units[name] else { return nil }
        let wanted = await unit.wanted.pool.status()
        let serving = await unit.serving.pool.status()
        return FunctionStatus(
            wanted: unit.wanted.entry, pool: wanted, serving: unit.serving.entry.version, calls: serving,
            invocations: observation.metrics.invocations(name))
    }

    /// Whether every always-on function can take calls.
    public func readiness() async -> Readiness {
        var waiting: [Readiness.Waiting] = []
        for status in await list() where status.alwaysOn && status.availableReplicas < status.scale.min {
            let reason =
                "\(status.state.rawValue), \(status.availableReplicas) of \(status.scale.min) instances ready"
                + (status.lastError.map { ": \($0)" } ?? "")
            waiting.append(.init(name: status.name, namespace: status.namespace, reason: reason))
        }
        if closing { waiting.append(.init(name: "hub", namespace: "", reason: "shutting down")) }
        return Readiness(ready: waiting.isEmpty, waiting: waiting)
    }

    /// A function's log.
    /// - Throws: `HubError` 404.
    func log(of name: FunctionName) throws -> FunctionLog {
        guard let unit = units[name] else { throw Self.unknown(name) }
        return unit.log
    }

    /// The log of every function, by namespace and name.
    var logs: [(function: FunctionName, log: FunctionLog)] {
        units.map { ($0.key, $0.value.log) }
            .sorted { ($0.0.namespace, $0.0.name) < ($1.0.namespace, $1.0.name) }
    }

    /// The metrics in the Prometheus text format.
    public func metricsText() async -> String {
        var now: [FunctionName: InstancePool.Status] = [:]
        for (name, unit) in units { now[name] = await unit.serving.pool.status() }
        let process = try? await BlockingWork.run { ProcessMetrics.read() }
        let followers = logs.reduce(observation.events.followers) { $0 + $1.log.followers }
        return MetricsText.of(observation.metrics.now, now, followers: followers, process ?? nil)
    }

    /// Every function, and how many calls it takes at once.
    public func callsAtOnce() -> [FunctionName: Int] { units.mapValues { $0.serving.entry.spec.scale.max } }

    /// How many functions there are.
    public var functionCount: Int { units.count }
}
