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
        var status = FunctionStatus(
            wanted: unit.wanted.entry, pool: wanted, serving: unit.serving.entry.version, calls: serving,
            invocations: metrics.invocations(name))
        if status.image != nil { status.imageDigest = await containers.images.pinned(unit.wanted.entry) }
        return status
    }

    /// Whether every always-on function can take calls.
    public func readiness() async -> Readiness {
        var waiting: [Readiness.Waiting] = []
        for status in await list() where status.alwaysOn && status.availableReplicas < status.scale.min {
            let reason =
                "\(status.state.rawValue), \(status.availableReplicas) of \(status.scale.min) instances ready"
                + (status.activity.map { ", \($0)" } ?? "") + (status.lastError.map { ": \($0)" } ?? "")
            waiting.append(.init(name: status.name, namespace: status.namespace, reason: reason))
        }
        if closing { waiting.append(.init(name: "hub", namespace: "", reason: "shutting down")) }
        return Readiness(ready: waiting.isEmpty, waiting: waiting)
    }

    /// The last lines of a function's log.
    /// - Throws: `HubError` 404.
    public func logTail(_ name: FunctionName, count: Int) async throws -> [String] {
        guard let unit = units[name] else { throw Self.unknown(name) }
        return try await unit.log.tail(count)
    }

    /// The metrics in the Prometheus text format.
    public func metricsText() async -> String {
        var now: [FunctionName: InstancePool.Status] = [:]
        for (name, unit) in units { now[name] = await unit.serving.pool.status() }
        return metrics.text(now)
    }

    /// How many functions there are.
    public var functionCount: Int { units.count }
}
