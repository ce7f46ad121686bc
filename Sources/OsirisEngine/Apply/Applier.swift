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
        let runner = OperationRunner(
            registry: registry, session: session, owner: Ownership(session, lineage: base.lineage), cluster: cluster,
            live: live, openTokens: base.openTokens, retry: retry, sleep: sleep,
            isStopping: { await control.stopReason != nil }, emit: emit)
        let counts = Counts(waiting: plan.operations.count)
        let started = ContinuousClock.now
        emit(.started(operations: plan.operations.count))
        // A task of its own, so that the second signal can cancel what runs.
        let work = Task { await run(plan, runner, control, counts) }
        await control.attach(
            notify: { emit(.stopping($0, running: counts.now.running, remaining: counts.now.waiting)) },
            cancel: { work.cancel() })
        var summary = await work.value
        summary.took = ContinuousClock.now - started
        emit(.finished(summary))
        return summary
    }

    /// How many operations run and how many have not begun, for whoever stops the apply.
    private final class Counts: Sendable {
        private let counts: Mutex<(running: Int, waiting: Int)>

        init(waiting: Int) { counts = Mutex((0, waiting)) }

        var now: (running: Int, waiting: Int) {
            get { counts.withLock { $0 } }
            set { counts.withLock { $0 = newValue } }
        }
    }

    private func run(
        _ plan: Plan, _ runner: OperationRunner, _ control: ApplyControl, _ counts: Counts
    ) async -> ApplySummary {
        var scheduler = ApplyScheduler(plan.operations)
        var summary = ApplySummary()
        summary.mode = plan.mode
        await withTaskGroup(of: (Int, Result<Duration, any Error>).self) { group in
            func fill() async {
                if await control.stopReason != nil { scheduler.stop() }
                while scheduler.runningCount < parallelism, let index = scheduler.start() {
                    let operation = plan.operations[index]
                    let change = plan.changes[operation.change]
                    group.addTask { (index, await timed(operation.kind, change, runner)) }
                }
                counts.now = (scheduler.runningCount, scheduler.waitingCount)
            }
            await fill()
            while let (index, result) = await group.next() {
                let operation = plan.operations[index]
                let address = plan.changes[operation.change].address
                switch result {
                case .success(let took):
                    scheduler.succeed(index)
                    summary.succeeded[operation.kind, default: 0] += 1
                    runner.emit(.operationSucceeded(address, operation.kind, took: took))
                case .failure(let error):
                    let skipped = scheduler.fail(index)
                    note(error, operation, address, &summary, runner)
                    if summary.stopped == .lockLost {
                        scheduler.stop()
                        // No further try either, and no more waiting for what is another run's by now.
                        await control.stop(.lockLost)
                        group.cancelAll()
                    }
                    for skip in skipped {
                        summary.skipped += 1
                        let skippedOperation = plan.operations[skip]
                        runner.emit(
                            .operationSkipped(
                                plan.changes[skippedOperation.change].address, skippedOperation.kind, because: address))
                    }
                }
                await fill()
            }
        }
        if summary.stopped == nil { summary.stopped = await control.stopReason }
        summary.remaining = scheduler.remaining.map { plan.changes[plan.operations[$0].change].address }
        return summary
    }

    private func timed(
        _ kind: PlannedOperation.Kind, _ change: ResourceChange, _ runner: OperationRunner
    ) async -> Result<Duration, any Error> {
        runner.emit(.operationStarted(change.address, kind))
        let started = ContinuousClock.now
        do {
            try await runner.run(kind, change)
            return .success(ContinuousClock.now - started)
        } catch {
            return .failure(error)
        }
    }

    private func note(
        _ error: any Error, _ operation: PlannedOperation, _ address: ResourceAddress, _ summary: inout ApplySummary,
        _ runner: OperationRunner
    ) {
        summary.failed += 1
        let found =
            (error as? DiagnosticsError)?.diagnostics
            ?? [Diagnostic(.operationFailed, "`\(address)`: \(error)", address: address.text)]
        summary.diagnostics += found
        // Without the lock nothing may be written any more: going on would do work that nobody records.
        if found.contains(where: { $0.code == .lockLost }) { summary.stopped = .lockLost }
        for diagnostic in found { runner.emit(.operationFailed(address, operation.kind, diagnostic)) }
    }
}
