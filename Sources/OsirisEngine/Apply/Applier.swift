import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState
import Synchronization

/// Executes a plan: keeps a bounded number of operations running and decides nothing new.
public struct Applier: Sendable {
    private let registry: ProviderRegistry
    private let observer: any ApplyObserver
    private let parallelism: Int
    private let retry: RetryPolicy
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - parallelism: operations that run at once, at least 1.
    ///   - sleep: the pause between tries; tests pass their own.
    public init(
        _ registry: ProviderRegistry, observer: any ApplyObserver, parallelism: Int = 32,
        retry: RetryPolicy = RetryPolicy(),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.registry = registry
        self.observer = observer
        self.parallelism = parallelism
        self.retry = retry
        self.sleep = sleep
    }

    /// Runs the plan's operations to the end, or until stopped. Never throws: the summary says what failed.
    ///
    /// - Parameters:
    ///   - base: what the plan was made from: records, renewed by refresh, and creates nobody could settle.
    ///   - session: the locked state; every intent and result is durable before the next step.
    public func apply(
        _ plan: Plan, of cluster: Cluster, from base: PlanBase, session: StateSession, control: ApplyControl
    ) async -> ApplySummary {
        let emit: @Sendable (ApplyEvent) -> Void = { [observer] in observer.observe($0, at: Date()) }
        let live = LiveRecords(base.records)
        for record in base.drifted(in: plan) { live[record.address] = record }
        let before = live.all
        // What is put back goes back to what was there before, and what is updated goes on from what is there.
        for record in base.unfinished { live[record.address] = record }
        let runner = OperationRunner(
            registry: registry, session: session, owner: Ownership(session, lineage: base.lineage), cluster: cluster,
            live: live, openCreates: base.openCreates, renaming: Set(plan.renames.keys), retry: retry, sleep: sleep,
            isStopping: { await control.stopReason != nil }, emit: emit)
        let counts = ApplyCounts(waiting: plan.operations.count)
        let started = ContinuousClock.now
        emit(.started(operations: plan.operations.count))
        let pauses = Pauses(sleep: sleep)
        let parallelism = parallelism
        // A task of its own, so that the second signal can cancel what runs.
        let work = Task {
            var loop = ApplyLoop(
                plan, runner, control, counts, pauses: pauses, parallelism: parallelism, before: before)
            return await loop.run()
        }
        await control.attach(
            notify: {
                emit(.stopping($0, running: counts.now.running, remaining: counts.now.waiting))
                pauses.end()
            },
            cancel: { work.cancel() })
        var summary = await work.value
        summary.took = ContinuousClock.now - started
        emit(.finished(summary))
        return summary
    }
}

/// How many operations run and how many have not begun, for whoever stops the apply.
final class ApplyCounts: Sendable {
    private let counts: Mutex<(running: Int, waiting: Int)>

    init(waiting: Int) { counts = Mutex((0, waiting)) }

    var now: (running: Int, waiting: Int) {
        get { counts.withLock { $0 } }
        set { counts.withLock { $0 = newValue } }
    }
}
