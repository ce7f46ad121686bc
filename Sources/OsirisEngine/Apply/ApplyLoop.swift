import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// One apply at work: starts what may start, and takes up what ended. The rules are in `ApplyScheduler` and `Rollout`.
struct ApplyLoop {
    let plan: Plan
    let runner: OperationRunner
    let control: ApplyControl
    let counts: ApplyCounts
    let pauses: Pauses
    /// The records when the apply began: what a machine that fails is put back to.
    let before: [ResourceAddress: ResourceRecord]

    private var scheduler: ApplyScheduler
    private var slots: Slots
    /// Of each operation.
    private let kinds: [Slots.Kind]
    private var summary = ApplySummary()
    private var turns: [Int: TurnLog] = [:]

    /// What a machine's turn has come to.
    private struct TurnLog {
        var done: [Int] = []
        var failed: [Int] = []
        var canBePutBack = true
    }

    private enum Ended {
        case operation(Int, Result<Duration, any Error>)
        case rest(Int)
        case putBack(Int, FailedMachine.End, [Diagnostic])
    }

    private typealias Group = TaskGroup<Ended>

    init(
        _ plan: Plan, _ runner: OperationRunner, _ control: ApplyControl, _ counts: ApplyCounts, pauses: Pauses,
        parallelism: Int, before: [ResourceAddress: ResourceRecord]
    ) {
        self.plan = plan
        self.runner = runner
        self.control = control
        self.counts = counts
        self.pauses = pauses
        self.before = before
        slots = Slots(parallelism)
        kinds = plan.operations.map { operation in
            let change = plan.changes[operation.change]
            let type = runner.registry.handler(provider: change.provider, type: change.address.type)?.type
            return Slots.Kind(
                provider: change.provider, type: String(change.address.type), perSlot: max(1, type?.perSlot ?? 1))
        }
        scheduler = ApplyScheduler(plan.operations, rollout: plan.rollout)
        summary.mode = plan.mode
        (summary.setAside, summary.leftAlone) = (plan.rootsSetAside, plan.rootsLeftAlone)
    }

    mutating func run() async -> ApplySummary {
        await withTaskGroup(of: Ended.self) { group in
            await fill(&group)
            while let ended = await group.next() {
                if case .operation(let index, _) = ended { slots.free(kinds[index]) }
                switch ended {
                case .operation(let index, .success(let took)): succeed(index, took)
                case .operation(let index, .failure(let error)): await fail(index, error, &group)
                case .rest(let machine): scheduler.endRest(machine)
                case .putBack(let machine, let end, let faults):
                    summary.diagnostics += faults
                    await endFailed(machine, end, &group)
                }
                for turn in scheduler.takeEndedTurns() { await end(turn, &group) }
                await fill(&group)
            }
        }
        if summary.stopped == nil { summary.stopped = await control.stopReason }
        noteStuck()
        summary.remaining = scheduler.remaining.map(address)
        return summary
    }

    private mutating func fill(_ group: inout Group) async {
        if await control.stopReason != nil { scheduler.stop() }
        for machine in scheduler.beginTurns() { tell(.begun(root(machine), canary: isCanary(machine))) }
        while let index = scheduler.start(if: { [slots, kinds] in slots.hasRoom(for: kinds[$0]) }) {
            slots.take(kinds[index])
            let operation = plan.operations[index]
            let change = plan.changes[operation.change]
            let runner = runner
            group.addTask { .operation(index, await runner.timed(operation.kind, change)) }
        }
        counts.now = (scheduler.runningCount, scheduler.waitingCount)
    }

    private mutating func succeed(_ index: Int, _ took: Duration) {
        let operation = plan.operations[index]
        scheduler.succeed(index)
        if let machine = scheduler.machine(of: index) { turns[machine, default: TurnLog()].done.append(index) }
        summary.succeeded[operation.kind, default: 0] += 1
        runner.emit(.operationSucceeded(address(index), operation.kind, took: took))
    }

    private mutating func fail(_ index: Int, _ error: any Error, _ group: inout Group) async {
        let skipped = scheduler.fail(index)
        note(error, index)
        let endsAll = isUnrecorded(error) || summary.stopped == .lockLost
        if let machine = scheduler.machine(of: index) {
            turns[machine, default: TurnLog()].failed.append(index)
            // Nothing can be written down any more.
            if endsAll { turns[machine]?.canBePutBack = false }
            switch plan.rollout?.spec.onFailure {
            case .rollback:
                scheduler.halt(machine)
                scheduler.abandon(machine)
            case .stop: scheduler.halt(machine)
            case .continue, nil: break
            }
        }
        if endsAll { scheduler.stop() }
        if summary.stopped == .lockLost {
            // No further try either, and no more waiting for what is another run's by now.
            await control.stop(.lockLost)
            group.cancelAll()
        }
        for skip in skipped {
            summary.skipped += 1
            runner.emit(.operationSkipped(address(skip), plan.operations[skip].kind, because: address(index)))
        }
    }

    // MARK: Turns

    private mutating func end(_ turn: ApplyScheduler.EndedTurn, _ group: inout Group) async {
        let machine = turn.machine
        if turn.failed { return await begin(puttingBack: machine, &group) }
        let waiting = scheduler.rollout?.waitingCount ?? 0
        tell(.passed(root(machine), canary: isCanary(machine), waiting: waiting))
        let pause = Duration.milliseconds(plan.rollout?.spec.pauseMilliseconds ?? 0)
        let rests = pause > .zero && waiting > 0
        scheduler.pass(machine, rests: rests)
        guard rests else { return }
        tell(.pausing(root(machine), pause))
        let pauses = pauses
        group.addTask {
            await pauses.pause(pause)
            return .rest(machine)
        }
    }

    private mutating func begin(puttingBack machine: Int, _ group: inout Group) async {
        let log = turns[machine] ?? TurnLog()
        let isCancelled = await control.stopReason == .cancelled || summary.stopped == .lockLost
        guard plan.rollout?.spec.onFailure == .rollback, log.canBePutBack, !isCancelled,
            plan.rollout?.machines[machine].isBroken == false
        else { return await endFailed(machine, .left, &group) }
        let work = PutBack(plan, failed: log.failed, done: log.done, before: before)
        tell(
            .puttingBack(root(machine), because: failedAddress(machine), operations: work.steps.count))
        let runner = runner
        group.addTask {
            let (isWhole, faults) = await runner.putBack(work)
            let end: FailedMachine.End = isWhole ? .putBack : work.steps.isEmpty ? .left : .partly
            return .putBack(machine, end, faults)
        }
    }

    private mutating func endFailed(_ machine: Int, _ end: FailedMachine.End, _ group: inout Group) async {
        let failed = FailedMachine(root: root(machine), address: failedAddress(machine), end: end)
        if end != .left { tell(.putBack(failed.root, complete: end == .putBack)) }
        scheduler.failTurn(machine, serves: end == .putBack)
        let waiting = scheduler.rollout?.waitingCount ?? 0
        let stops = plan.rollout?.spec.onFailure != .continue
        if stops && waiting > 0 { tell(.stopped(because: failed.root, waiting: waiting)) }
        summary.failedMachines.append(failed)
        summary.diagnostics.append(.failed(failed, waiting: stops ? waiting : nil))
    }

    /// Machines that never began because too many others do not serve.
    private mutating func noteStuck() {
        guard let rollout = plan.rollout, scheduler.rollout?.isStuck == true, summary.stopped == nil else { return }
        summary.diagnostics.append(.stuck(rollout, waiting: scheduler.rollout?.waitingCount ?? 0))
    }

    private func tell(_ step: RolloutStep) { runner.emit(.rollout(step)) }

    private func root(_ machine: Int) -> ResourceAddress { plan.rollout!.machines[machine].root }

    private func isCanary(_ machine: Int) -> Bool { machine < plan.rollout?.canaries ?? 0 }

    private func failedAddress(_ machine: Int) -> ResourceAddress {
        turns[machine]?.failed.first.map(address) ?? root(machine)
    }

    private func address(_ operation: Int) -> ResourceAddress {
        plan.changes[plan.operations[operation].change].address
    }

    // MARK: Failures

    /// True if the state takes no more entries: whatever began now would be work that nobody records.
    private func isUnrecorded(_ error: any Error) -> Bool {
        (error as? DiagnosticsError)?.diagnostics.contains { $0.code == .stateWrite } ?? false
    }

    private mutating func note(_ error: any Error, _ index: Int) {
        let address = address(index)
        summary.failed += 1
        let found =
            (error as? DiagnosticsError)?.diagnostics
            ?? [Diagnostic(.operationFailed, "`\(address)`: \(error)", address: address.text)]
        summary.diagnostics += found
        // Without the lock nothing may be written any more: going on would do work that nobody records.
        if found.contains(where: { $0.code == .lockLost }) { summary.stopped = .lockLost }
        for diagnostic in found { runner.emit(.operationFailed(address, plan.operations[index].kind, diagnostic)) }
    }
}

extension Diagnostic {
    /// - Parameter waiting: machines that do not begin any more; nil if the others go on.
    static func failed(_ machine: FailedMachine, waiting: Int?) -> Diagnostic {
        let end =
            switch machine.end {
            case .putBack: "it was put back"
            case .partly: "it was put back only in part"
            case .left: "it is left as it is"
            }
        let rest =
            switch waiting {
            case nil: "; the others go on"
            case 0?: ""
            case 1?: "; 1 machine was not begun"
            case let count?: "; \(count) machines were not begun"
            }
        return Diagnostic(
            .machineFailed, "`\(machine.root)` failed at `\(machine.address)`: \(end)\(rest)",
            address: machine.root.text,
            help: "mend the cause, then run `osiris apply` again: the plan shows what is left to do")
    }

    static func stuck(_ rollout: PlannedRollout, waiting: Int) -> Diagnostic {
        let limits = rollout.targets.map { "\($0.limit) in \($0.name)" }.joined(separator: ", ")
        return Diagnostic(
            .machineFailed,
            "too many machines do not serve: \(waiting) others were not begun (at most \(limits) may be out of service)",
            help: "mend those that do not serve, or raise `spec.rollout.maxUnavailable`, then run `osiris apply` again")
    }
}

extension OperationRunner {
    /// Runs one operation and takes its time.
    func timed(_ kind: PlannedOperation.Kind, _ change: ResourceChange) async -> Result<Duration, any Error> {
        emit(.operationStarted(change.address, kind))
        let started = ContinuousClock.now
        do {
            try await run(kind, change)
            return .success(ContinuousClock.now - started)
        } catch {
            return .failure(error)
        }
    }
}
