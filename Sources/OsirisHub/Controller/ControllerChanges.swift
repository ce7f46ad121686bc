import Foundation

extension Controller {
    /// How many proven versions of a function are kept besides the one that serves.
    public static let keptVersions = 5

    /// What a deployment or a rollback led to.
    public struct Deployed: Sendable {
        public var result: DeployResult
        /// The wanted version now.
        public var version: Int
        let tag: EntityTag
    }

    /// Deploys a function. It is stored when this returns, and starts after.
    /// - Parameter replace: false to refuse a function that exists.
    /// - Throws: `HubError` 409 (it exists, or this host cannot keep it apart as it asks), 412, or what the disk says.
    func deploy(_ deployment: Deployment, replace: Bool, as change: Change = Change()) async throws -> Deployed {
        try store.check(deployment.spec)
        if deployment.spec.runtime == .container { try await containers.check(deployment.spec) }
        return try await changing(change) { try await self.deployNow(deployment, replace: replace, as: change) }
    }

    /// Keeps so many instances of a function running from now on, until its next deployment or the hub's end.
    /// - Throws: `HubError` 400 outside of the function's scale, 404, 412.
    func scale(_ name: FunctionName, to replicas: Int, as change: Change = Change()) async throws {
        try await changing(change) { try await self.scaleNow(name, to: replicas, as: change) }
    }

    /// Puts annotations in all versions of a function, in the place of those of the same keys. Nothing is started or
    /// stopped for it: the hub only keeps them.
    /// - Throws: `HubError` 404, 412.
    func annotate(_ name: FunctionName, _ words: [String: String], as change: Change = Change()) async throws {
        try await changing(change) { try await self.annotateNow(name, words, as: change) }
    }

    /// Keeps a fence without changing a function.
    /// - Throws: `HubError` 412, or what the disk says.
    public func raise(_ fence: Fence) async throws { try await changing(Change(fence: fence)) {} }

    /// Removes a function: its entries before this returns, its instances and files after.
    /// - Throws: `HubError` 404, 412.
    func delete(_ name: FunctionName, as change: Change = Change()) async throws {
        try await changing(change) { try await self.deleteNow(name, as: change) }
    }

    /// Runs a change when its turn comes, unless a later run has been here.
    func changing<T: Sendable>(
        _ change: Change, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        if let pause { throw pause }
        return try await serially {
            // Inside, so that no change stands between the check and the one that it is for.
            if let fence = change.fence {
                let highest = try await self.catalog.raise(fence)
                if highest > fence.number { throw fence.tooLate(highest) }
            }
            return try await body()
        }
    }

    private func scaleNow(_ name: FunctionName, to replicas: Int, as change: Change) async throws {
        guard let unit = units[name] else { throw Self.unknown(name) }
        try change.precondition.check(unit.wanted.entry)
        let serving = unit.serving
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

    private func annotateNow(_ name: FunctionName, _ words: [String: String], as change: Change) async throws {
        guard let unit = units[name] else { throw Self.unknown(name) }
        try change.precondition.check(unit.wanted.entry)
        let record = change.audit?.entry(status: 200, version: unit.wanted.entry.version)
        try await catalog.annotate(name, words, audit: record)
        change.audit?.isWritten(record)
        units[name]?.wanted.entry.spec.annotations.merge(words) { $1 }
        units[name]?.previous?.entry.spec.annotations.merge(words) { $1 }
    }

    private func deployNow(_ deployment: Deployment, replace: Bool, as change: Change) async throws -> Deployed {
        let name = deployment.spec.name
        let wanted = units[name]?.wanted.entry
        if wanted != nil, !replace {
            throw HubError(409, "exists", "There is a function \(name.name) in \(name.namespace) already.")
        }
        try change.precondition.check(wanted)
        let entry = CatalogEntry(
            spec: deployment.spec, sourceDigest: deployment.source.digest, version: highest[name, default: 0] + 1,
            updated: Date().timeIntervalSince1970, proven: false, author: change.author)
        if let wanted, wanted.contentDigest == entry.contentDigest { return unchanged(wanted, change) }
        return try await install(deployment, as: entry, change)
    }

    func unchanged(_ wanted: CatalogEntry, _ change: Change) -> Deployed {
        change.audit?.about(digest: wanted.contentDigest)
        return Deployed(result: .unchanged, version: wanted.version, tag: EntityTag(wanted))
    }

    /// Stores a new version and starts it; the one before it serves until it is ready.
    func install(_ deployment: Deployment, as entry: CatalogEntry, _ change: Change) async throws -> Deployed {
        let (name, version) = (entry.spec.name, entry.version)
        highest[name] = version
        try await store.save(deployment, version: version, besides: units[name]?.wanted.entry.version)
        let result: DeployResult = units[name] == nil ? .created : .updated
        let record = change.audit?.entry(
            status: result == .created ? 201 : 202, version: version, digest: entry.contentDigest)
        do {
            try await catalog.add(entry, audit: record)
        } catch {
            await store.remove(name, versions: [version])
            throw error
        }
        change.audit?.isWritten(record)
        observation.know(name)
        let log = units[name]?.log ?? log(for: name)
        let new = await open(entry, log: log)
        // Read again: a version may have proven itself during the writes above.
        let old = units[name]
        let previous = old?.previous ?? old.flatMap { $0.wanted.entry.proven ? $0.wanted : nil }
        let unit = Unit(wanted: new, previous: previous, log: log)
        units[name] = unit
        if let old, old.wanted.entry.version != previous?.entry.version {
            retire(
                old.wanted, forgetting: try await catalog.remove(name, version: old.wanted.entry.version, audit: nil))
        }
        await new.pool.keep(atLeast: Self.firstInstances(of: unit))
        observation.events.tell(.deployed, name, version: version)
        logger.info("Deployed", metadata: ["function": "\(name)", "version": "\(version)"])
        return Deployed(result: result, version: version, tag: EntityTag(entry))
    }

    private func deleteNow(_ name: FunctionName, as change: Change) async throws {
        guard let unit = units[name] else { throw Self.unknown(name) }
        try change.precondition.check(unit.wanted.entry)
        let record = change.audit?.entry(status: 202)
        let forgotten = try await catalog.remove(name, version: nil, audit: record)
        change.audit?.isWritten(record)
        units[name] = nil
        let running = [unit.wanted, unit.previous].compactMap(\.self)
        for version in running { retire(version, forgetting: [version.entry.version]) }
        await store.remove(name, versions: forgotten.filter { kept in running.allSatisfy { $0.entry.version != kept } })
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
        var forgotten: [Int] = []
        do {
            forgotten = try await catalog.prove(name, version: version, keeping: Self.keptVersions)
        } catch {
            logger.error("The catalog does not take that a version works: \(error)")
        }
        let superseded = previous?.entry.version
        await store.remove(name, versions: forgotten.filter { $0 != superseded })
        guard let previous else { return }
        retire(previous, forgetting: forgotten.filter { $0 == superseded })
        // One instance had to show that it starts; from now on calls decide.
        await unit.wanted.pool.keep(atLeast: unit.wanted.entry.spec.scale.min)
    }

    /// Lets the calls of a version finish and stops its instances.
    /// - Parameter versions: whose files are removed after that.
    private func retire(_ version: Version, forgetting versions: [Int]) {
        let pool = version.pool
        retiring[ObjectIdentifier(pool)] = pool
        Task {
            await pool.retire()
            await store.remove(version.entry.spec.name, versions: versions)
            retiring[ObjectIdentifier(pool)] = nil
            await dependencies.sweep(keeping: units.values.flatMap { [$0.wanted, $0.previous].compactMap(\.?.entry) })
        }
    }

    func log(for name: FunctionName) -> FunctionLog {
        FunctionLog(path: "\(store.data.logs)/\(name).log")
    }

    func open(_ entry: CatalogEntry, log: FunctionLog) async -> Version {
        let name = entry.spec.name
        let version = entry.version
        let observation = observation
        let seat = warm.seat()
        let events = InstancePool.Events(
            ready: { [weak self] in await self?.proved(name, version: version) },
            restarted: { observation.metrics.restarted(name) },
            coldStart: { observation.metrics.startedCold(name) },
            instance: { kind, instance, reason in
                observation.events.tell(kind, name, version: version, instance: instance, reason)
            },
            room: { [warm] in warm.room(seat, $0) })
        let (store, ledger, containers, dependencies, warm) = (store, ledger, containers, dependencies, warm)
        let pool = InstancePool(scale: entry.spec.scale, queueBound: queueBound, events: events) { order in
            if entry.spec.runtime == .container {
                return try await containers.instance(
                    of: entry, environment: try await store.environment(of: entry), log: log, tell: order.tell)
            }
            let installed = try await dependencies.folder(for: entry, log: log, tell: order.tell)
            // One that ended is replaced by one of its own making: those that wait are for calls.
            if order.isFirst,
                let started = await warm.instance(for: seat, entry, dependencies: installed, log: log)
            {
                return started
            }
            return Instance(try await store.launch(entry, dependencies: installed), log: log, ledger: ledger)
        }
        // Not awaited: to know of dependencies may take a while.
        Task {
            guard case .some(let installed) = await dependencies.installed(for: entry) else { return }
            await warm.know(seat, entry, dependencies: installed)
        }
        return Version(entry: entry, pool: pool)
    }
}
