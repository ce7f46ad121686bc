import Foundation

extension Controller {
    /// Deploys a function. It is stored when this returns, and starts after.
    /// - Parameters:
    ///   - replace: false to refuse a function that exists.
    ///   - fence: who asks; nil for a person.
    /// - Throws: `HubError` 409 (it exists, or this host cannot keep it apart as it asks), 412, or what the disk says.
    public func deploy(
        _ deployment: Deployment, replace: Bool, fence: Fence? = nil
    ) async throws -> (result: DeployResult, version: Int) {
        if closing { throw HubError.shuttingDown }
        try store.check(deployment.spec)
        return try await serially {
            try await self.pass(fence)
            return try await self.deployNow(deployment, replace: replace)
        }
    }

    /// Keeps so many instances of a function running from now on, until its next deployment or the hub's end.
    /// - Throws: `HubError` 400 outside of the function's scale, 404, 412.
    public func scale(_ name: FunctionName, to replicas: Int, fence: Fence? = nil) async throws {
        try await serially {
            try await self.pass(fence)
            try await self.scaleNow(name, to: replicas)
        }
    }

    private func scaleNow(_ name: FunctionName, to replicas: Int) async throws {
        guard let serving = units[name]?.serving else { throw Self.unknown(name) }
        let scale = serving.entry.spec.scale
        guard (scale.min...scale.max).contains(replicas) else {
            throw HubError(
                400, "bad_request",
                "replicas must be in \(scale.min)...\(scale.max), the scale of \(name.name). Deploy it for another one."
            )
        }
        await serving.pool.keep(atLeast: replicas)
        observation.events.tell(.scaled, name, version: serving.entry.version, "to \(replicas)")
    }

    /// Keeps a fence without changing a function.
    /// - Throws: `HubError` 412, or what the disk says.
    public func raise(_ fence: Fence) async throws {
        try await serially { try await self.pass(fence) }
    }

    /// Inside of `serially`, so that no change stands between the check and the one that it is for.
    private func pass(_ fence: Fence?) async throws {
        guard let fence else { return }
        let highest = try await catalog.raise(fence)
        if highest > fence.number { throw fence.tooLate(highest) }
    }

    private func deployNow(
        _ deployment: Deployment, replace: Bool
    ) async throws -> (result: DeployResult, version: Int) {
        let name = deployment.spec.name
        let digest = deployment.source.digest
        if let unit = units[name] {
            guard replace else {
                throw HubError(409, "exists", "There is a function \(name.name) in \(name.namespace) already.")
            }
            let wanted = unit.wanted.entry
            if wanted.spec == deployment.spec, wanted.sourceDigest == digest { return (.unchanged, wanted.version) }
        }
        let version = highest[name, default: 0] + 1
        highest[name] = version
        try await store.save(deployment, version: version)
        let entry = CatalogEntry(
            spec: deployment.spec, sourceDigest: digest, version: version, updated: Date().timeIntervalSince1970,
            proven: false)
        do {
            try await catalog.add(entry)
        } catch {
            await store.remove(name, version: version)
            throw error
        }
        observation.know(name)
        let log = units[name]?.log ?? log(for: name)
        let new = await open(entry, log: log)
        // Read again: a version may have proven itself during the writes above.
        let old = units[name]
        let previous = old?.previous ?? old.flatMap { $0.wanted.entry.proven ? $0.wanted : nil }
        let unit = Unit(wanted: new, previous: previous, log: log)
        units[name] = unit
        if let old, old.wanted.entry.version != previous?.entry.version {
            try await catalog.remove(name, version: old.wanted.entry.version)
            retire(old.wanted)
        }
        await new.pool.keep(atLeast: Self.firstInstances(of: unit))
        observation.events.tell(.deployed, name, version: version)
        logger.info("Deployed", metadata: ["function": "\(name)", "version": "\(version)"])
        return (old == nil ? .created : .updated, version)
    }

    /// Removes a function: its entry before this returns, its instances and files after.
    /// - Throws: `HubError` 404, 412.
    public func delete(_ name: FunctionName, fence: Fence? = nil) async throws {
        try await serially {
            try await self.pass(fence)
            try await self.deleteNow(name)
        }
    }

    private func deleteNow(_ name: FunctionName) async throws {
        guard let unit = units[name] else { throw Self.unknown(name) }
        try await catalog.remove(name, version: nil)
        units[name] = nil
        for version in [unit.wanted, unit.previous].compactMap(\.self) { retire(version) }
        observation.forget(name)
        observation.events.tell(.deleted, name)
        await unit.log.clear()
        logger.info("Deleted", metadata: ["function": "\(name)"])
    }

    /// An instance of a version is ready: from now on that version serves.
    private func proved(_ name: FunctionName, version: Int) async {
        guard var unit = units[name], unit.wanted.entry.version == version else { return }
        guard !unit.wanted.entry.proven || unit.previous != nil else { return }
        let previous = unit.previous
        unit.wanted.entry.proven = true
        unit.previous = nil
        units[name] = unit
        observation.events.tell(.versionProven, name, version: version)
        let catalog = catalog
        do {
            try await catalog.prove(name, version: version)
            if let previous { try await catalog.remove(name, version: previous.entry.version) }
        } catch {
            logger.error("The catalog does not take that a version works: \(error)")
        }
        guard let previous else { return }
        retire(previous)
        // One instance had to show that it starts; from now on calls decide.
        await unit.wanted.pool.keep(atLeast: unit.wanted.entry.spec.scale.min)
    }

    private func retire(_ version: Version) {
        let pool = version.pool
        retiring[ObjectIdentifier(pool)] = pool
        Task {
            await pool.retire()
            await store.remove(version.entry.spec.name, version: version.entry.version)
            retiring[ObjectIdentifier(pool)] = nil
        }
    }

    func log(for name: FunctionName) -> FunctionLog {
        FunctionLog(path: "\(store.data.logs)/\(name).log")
    }

    func open(_ entry: CatalogEntry, log: FunctionLog) async -> Version {
        let name = entry.spec.name
        let version = entry.version
        let observation = observation
        let events = InstancePool.Events(
            ready: { [weak self] in await self?.proved(name, version: version) },
            restarted: { observation.metrics.restarted(name) },
            coldStart: { observation.metrics.startedCold(name) },
            instance: { kind, instance, reason in
                observation.events.tell(kind, name, version: version, instance: instance, reason)
            })
        let store = store
        let pool = InstancePool(
            scale: entry.spec.scale, queueBound: queueBound, launch: { try await store.launch(entry) }, log: log,
            ledger: ledger, events: events)
        return Version(entry: entry, pool: pool)
    }
}
