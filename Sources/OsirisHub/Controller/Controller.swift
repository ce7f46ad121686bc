import Foundation
import Logging

/// Keeps every function of the catalog running and sends calls to the version that serves.
public actor Controller {
    /// What a deployment did.
    public enum DeployResult: String, Codable, Sendable {
        case unchanged, created, updated
    }

    struct Version: Sendable {
        var entry: CatalogEntry
        var pool: InstancePool
    }

    struct Unit: Sendable {
        /// What was deployed last.
        var wanted: Version
        /// The version before it, as long as the wanted one is not ready.
        var previous: Version?
        var log: FunctionLog
        var serving: Version { previous ?? wanted }
    }

    let catalog: any Catalog
    let store: VersionStore
    let ledger: InstanceLedger
    let containers: ContainerHost
    let dependencies: DependencyCache
    let warm: WarmPool
    let observation: Observation
    /// Most calls that wait for one version of a function.
    let queueBound: Int
    let logger: Logger
    var units: [FunctionName: Unit] = [:]
    /// Highest version of each function since the hub started, so a folder's name is not used twice while it runs.
    var highest: [FunctionName: Int] = [:]
    var retiring: [ObjectIdentifier: InstancePool] = [:]
    private var changes: Task<Void, Never>?
    private var running = 0
    private(set) var closing = false
    /// While the content of the hub is being replaced.
    var restoring = false

    init(
        catalog: any Catalog, store: VersionStore, ledger: InstanceLedger, containers: ContainerHost,
        dependencies: DependencyCache, warm: WarmPool, observation: Observation, queueBound: Int,
        logger: Logger
    ) {
        self.catalog = catalog
        self.store = store
        self.ledger = ledger
        self.containers = containers
        self.dependencies = dependencies
        self.warm = warm
        self.observation = observation
        self.queueBound = queueBound
        self.logger = logger
    }

    /// Starts the functions of the catalog. Does not wait until they are ready.
    func load() async throws {
        let entries = try await catalog.entries()
        try await store.sweep(keeping: entries)
        await dependencies.sweep(keeping: entries)
        for (name, versions) in Dictionary(grouping: entries, by: \.spec.name) {
            guard let wanted = versions.last else { continue }
            highest[name] = wanted.version
            observation.know(name)
            let log = log(for: name)
            var unit = Unit(wanted: await open(wanted, log: log), log: log)
            if !wanted.proven, let previous = versions.dropLast().last(where: \.proven) {
                unit.previous = await open(previous, log: log)
            }
            units[name] = unit
            await unit.previous?.pool.keep(atLeast: unit.previous?.entry.spec.scale.min ?? 0)
            await unit.wanted.pool.keep(atLeast: Self.firstInstances(of: unit))
            // What never worked is wanted or nothing.
            for old in versions.dropLast() where !old.proven {
                await store.remove(name, versions: try await catalog.remove(name, version: old.version, audit: nil))
            }
        }
    }

    /// How many instances of the wanted version are started without a call. One that is to take over from another
    /// version must show that it starts, even if it is scaled to zero.
    static func firstInstances(of unit: Unit) -> Int {
        max(unit.wanted.entry.spec.scale.min, unit.previous == nil ? 0 : 1)
    }

    /// Calls a function.
    /// - Returns: its answer, once it is whole or longer than 64 KiB.
    /// - Throws: `HubError`, or `CancellationError` if the caller went away while it waited.
    public func call(_ name: FunctionName, _ call: FunctionCall) async throws -> FunctionAnswer {
        running += 1
        defer { running -= 1 }
        let arrival = ContinuousClock.now
        let deadline = try CallDeadline(call.headers)
        var sent = InstanceCall(call)
        while true {
            if let pause { throw pause }
            guard let unit = units[name] else { throw Self.unknown(name) }
            let serving = unit.serving.entry
            let limits = serving.spec.limits
            let timeout = Duration.milliseconds(limits.timeoutMs)
            do {
                sent.body = try await sent.body.prepared(for: serving.spec.runtime.program.wire)
                sent.headers[.osirisVersion] = String(serving.version)
                let latest = deadline.instant
                let run = try await unit.serving.pool.call(
                    sent, waitUntil: min(arrival + timeout, latest ?? arrival + timeout), timeout: timeout,
                    deadline: latest)
                return try FunctionAnswer(run, version: serving.version, limits: limits)
            } catch InstancePool.Refusal.moved {
                // Another version took over while the call waited.
                await Task.yield()
            } catch let refusal as InstancePool.Refusal {
                throw CallVerdict.error(for: refusal)
            }
        }
    }

    /// Why calls and changes are refused at this time; nil if they are not.
    var pause: HubError? { closing ? .shuttingDown : restoring ? .restoring : nil }

    /// Takes no more calls and waits for the running ones.
    /// - Parameter grace: longest wait.
    func drain(grace: Duration) async {
        closing = true
        observation.events.tell(.hubStopping)
        for (_, log) in logs { log.end() }
        await warm.stop()
        await letCallsFinish(within: grace)
    }

    /// - Parameter grace: longest wait.
    func letCallsFinish(within grace: Duration) async {
        let deadline = ContinuousClock.now + grace
        while await isBusy, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
    }

    /// True while calls wait or run, also those whose answer is on its way.
    private var isBusy: Bool {
        get async {
            if running > 0 { return true }
            for pool in pools where await pool.isBusy { return true }
            return false
        }
    }

    private var pools: [InstancePool] {
        units.values.flatMap { [$0.wanted, $0.previous].compactMap(\.self) }.map(\.pool) + retiring.values
    }

    /// Stops every instance.
    func stop() async {
        closing = true
        await changes?.value
        await warm.stop()
        await containers.end()
        await withTaskGroup(of: Void.self) { group in
            for pool in pools { group.addTask { await pool.stop() } }
        }
    }

    /// Runs changes of the catalog one after the other.
    func serially<T: Sendable>(_ change: @escaping @Sendable () async throws -> T) async throws -> T {
        let previous = changes
        let task = Task {
            await previous?.value
            return try await change()
        }
        changes = Task { _ = try? await task.value }
        return try await task.value
    }

    static func unknown(_ name: FunctionName) -> HubError {
        HubError(404, "not_found", "There is no function \(name.name) in the namespace \(name.namespace).")
    }
}
