import OsirisManifest
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisEngine

/// Which machine may begin, over random fleets: no bound is ever exceeded, and nothing waits for ever.
struct RolloutTests {
    /// A fleet whose operations need each other at random, also across machines and through operations of none.
    private struct Fleet {
        var plan: PlannedRollout
        var operations: [PlannedOperation]

        /// What an operation needs of other machines, directly or through operations of none.
        private static func needs(
            _ operations: [PlannedOperation], _ machines: [PlannedRollout.Machine]
        ) -> [Set<Int>] {
            var owner = [Int?](repeating: nil, count: operations.count)
            for (index, machine) in machines.enumerated() { for own in machine.operations { owner[own] = index } }
            var through = [Set<Int>](repeating: [], count: operations.count)
            for (index, operation) in operations.enumerated() {
                for need in operation.needs {
                    if let machine = owner[need] {
                        through[index].insert(machine)
                    } else {
                        through[index].formUnion(through[need])
                    }
                }
            }
            return machines.indices.map { machine in
                machines[machine].operations.reduce(into: Set()) { $0.formUnion(through[$1]) }.subtracting([machine])
            }
        }

        init(_ random: inout SplitMix, onFailure: RolloutSpec.OnFailure) {
            let names = ["a", "b", "c"].prefix(Int.random(in: 1...3, using: &random))
            let domains = Bool.random(using: &random)
            var machines: [PlannedRollout.Machine] = []
            operations = []
            for name in names {
                for index in 0..<Int.random(in: 1...8, using: &random) {
                    var own: [Int] = []
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        let next = operations.count
                        // Mostly of its own machine; sometimes of one that begins earlier.
                        let needs = (0..<next).filter { need in
                            Int.random(in: 0..<(own.contains(need) ? 2 : 40), using: &random) == 0
                        }
                        operations.append(PlannedOperation(change: next, kind: .update, needs: needs))
                        own.append(next)
                        if Int.random(in: 0..<6, using: &random) == 0 {
                            operations.append(PlannedOperation(change: next + 1, kind: .create, needs: [next]))
                        }
                    }
                    machines.append(
                        PlannedRollout.Machine(
                            root: ResourceAddress(target: name, type: "machine", name: "m\(index)"),
                            domain: domains ? "row-\(index / 3)" : name,
                            isBroken: Int.random(in: 0..<10, using: &random) == 0, operations: own))
                }
            }
            for (index, needs) in Self.needs(operations, machines).enumerated() {
                machines[index].needs = needs.sorted()
            }
            let targets = names.map { name in
                let mine = machines.filter { $0.root.target == name }
                let all = mine.count + Int.random(in: 0...3, using: &random)
                return PlannedRollout.Target(
                    name: name, machines: all, limit: Int.random(in: 1...4, using: &random),
                    broken: mine.count(where: \.isBroken))
            }
            plan = PlannedRollout(
                spec: RolloutSpec(canary: Int.random(in: 0...3, using: &random), onFailure: onFailure),
                machines: machines, targets: targets)
        }
    }

    /// Plays an apply; `fails` decides about each operation.
    private func play(
        _ fleet: Fleet, _ seed: UInt64, _ random: inout SplitMix, fails: (inout SplitMix) -> Bool
    ) -> ApplyScheduler {
        var scheduler = ApplyScheduler(fleet.operations, rollout: fleet.plan)
        var running: [Int] = []
        var resting: [Int] = []
        var firstFailure: Int?
        while true {
            let begun = scheduler.beginTurns()
            if firstFailure != nil, fleet.plan.spec.onFailure != .continue {
                #expect(begun.isEmpty, "seed \(seed): a machine began after a failure")
            }
            expectBounds(fleet.plan, scheduler.rollout!, begun, seed)
            while running.count < 6, let started = scheduler.start() { running.append(started) }
            guard !running.isEmpty || !resting.isEmpty else { break }
            if !resting.isEmpty, running.isEmpty || Bool.random(using: &random) {
                scheduler.endRest(resting.removeFirst())
                continue
            }
            let ended = running.remove(at: Int.random(in: running.indices, using: &random))
            if fails(&random) {
                _ = scheduler.fail(ended)
                if let machine = scheduler.machine(of: ended) {
                    firstFailure = firstFailure ?? machine
                    if fleet.plan.spec.onFailure != .continue { scheduler.halt(machine) }
                    if fleet.plan.spec.onFailure == .rollback { scheduler.abandon(machine) }
                }
            } else {
                scheduler.succeed(ended)
            }
            for turn in scheduler.takeEndedTurns() {
                if turn.failed {
                    scheduler.failTurn(turn.machine, serves: fleet.plan.spec.onFailure == .rollback)
                } else {
                    let rests = Bool.random(using: &random)
                    scheduler.pass(turn.machine, rests: rests)
                    if rests { resting.append(turn.machine) }
                }
            }
        }
        return scheduler
    }

    private func expectBounds(_ plan: PlannedRollout, _ rollout: Rollout, _ begun: [Int], _ seed: UInt64) {
        let busy = plan.machines.indices.filter { [.inWork, .resting].contains(rollout.statuses[$0]) }
        #expect(Set(busy.map { plan.machines[$0].domain }).count <= 1, "seed \(seed): two domains at once")
        for target in plan.targets {
            func mine(_ statuses: [Rollout.Status]) -> [Int] {
                plan.machines.indices.filter {
                    plan.machines[$0].root.target == target.name && statuses.contains(rollout.statuses[$0])
                }
            }
            let others = target.broken - plan.machines.count { $0.root.target == target.name && $0.isBroken }
            let failed = plan.spec.onFailure == .rollback ? 0 : mine([.failed]).count
            let down = others + failed + mine([.waiting]).count { plan.machines[$0].isBroken }
            let work = mine([.inWork, .resting]).count
            #expect(
                work <= 1 || work + down <= target.limit,
                "seed \(seed): \(work) in work and \(down) down of \(target)")
            if begun.contains(where: { plan.machines[$0].root.target == target.name && !plan.machines[$0].isBroken }) {
                #expect(down <= target.limit, "seed \(seed): one began although \(down) are down of \(target)")
            }
        }
        if begun.contains(where: { $0 >= plan.canaries }) {
            for canary in 0..<plan.canaries where [.inWork, .resting].contains(rollout.statuses[canary]) {
                Issue.record("seed \(seed): a machine began beside canary \(canary)")
            }
        }
    }

    /// Whoever never began had too many broken beside it, or waits for one that had.
    private func expectOnlyHeldAreLeft(_ fleet: Fleet, _ scheduler: ApplyScheduler, _ seed: UInt64) {
        let statuses = scheduler.rollout!.statuses
        let machines = fleet.plan.machines
        #expect(!statuses.contains { $0 == .inWork || $0 == .resting }, "seed \(seed): a turn never ended")
        for machine in machines.indices where statuses[machine] == .waiting {
            let target = fleet.plan.targets.first { $0.name == machines[machine].root.target }!
            let down = machines.indices.count { other in
                machines[other].root.target == target.name
                    && (statuses[other] == .failed || (statuses[other] == .waiting && machines[other].isBroken))
            }
            let isHeld = !machines[machine].isBroken && down > target.limit
            let waits = machines[machine].needs.contains { statuses[$0] == .waiting }
            #expect(isHeld || waits, "seed \(seed): machine \(machine) never began, \(down) down of \(target)")
        }
    }

    @Test(arguments: 0..<120) func everythingEndsIfNothingFails(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let fleet = Fleet(&random, onFailure: .rollback)
        let scheduler = play(fleet, seed, &random) { _ in false }
        expectOnlyHeldAreLeft(fleet, scheduler, seed)
        if !fleet.plan.machines.contains(where: \.isBroken) {
            #expect(scheduler.remaining.isEmpty, "seed \(seed)")
            #expect(scheduler.rollout?.statuses.allSatisfy { $0 == .passed } == true, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<120) func noMachineBeginsAfterAFailure(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let fleet = Fleet(&random, onFailure: seed.isMultiple(of: 2) ? .rollback : .stop)
        _ = play(fleet, seed, &random) { Int.random(in: 0..<12, using: &$0) == 0 }
    }

    @Test(arguments: 0..<120) func theOthersGoOnWhileFewEnoughAreBroken(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let fleet = Fleet(&random, onFailure: .continue)
        let scheduler = play(fleet, seed, &random) { Int.random(in: 0..<12, using: &$0) == 0 }
        expectOnlyHeldAreLeft(fleet, scheduler, seed)
    }

    /// 8 machines, at most 2 out of service: the third that fails ends it.
    @Test func theThirdBrokenMachineEndsARolloutThatContinues() {
        let machines = (0..<8).map { index in
            PlannedRollout.Machine(
                root: ResourceAddress(target: "a", type: "machine", name: "m\(index)"), domain: "a",
                operations: [index])
        }
        let plan = PlannedRollout(
            spec: RolloutSpec(canary: 0, onFailure: .continue), machines: machines,
            targets: [.init(name: "a", machines: 8, limit: 2)])
        var rollout = Rollout(plan)
        #expect(rollout.begin() == 0..<1)
        #expect(rollout.begin() == 1..<2)
        #expect(rollout.begin().isEmpty, "two at a time")
        rollout.fail(0)
        #expect(rollout.begin().isEmpty, "one in work and one broken are two")
        rollout.fail(1)
        #expect(rollout.begin() == 2..<3, "no more than two are broken: one goes on")
        rollout.fail(2)
        #expect(rollout.begin().isEmpty)
        #expect(rollout.isStuck && rollout.waitingCount == 5)
    }

    @Test func machinesThatNeedEachOtherBeginTogether() {
        let machines = (0..<3).map { index in
            PlannedRollout.Machine(
                root: ResourceAddress(target: "a", type: "machine", name: "m\(index)"), domain: "a",
                goesWithPrevious: index == 2, operations: [index])
        }
        var rollout = Rollout(
            PlannedRollout(
                spec: RolloutSpec(canary: 1), machines: machines, targets: [.init(name: "a", machines: 3, limit: 1)]))
        #expect(rollout.begin() == 0..<1)
        #expect(rollout.begin().isEmpty)
        rollout.pass(0, rests: true)
        #expect(rollout.begin().isEmpty, "its place is still taken")
        rollout.endRest(0)
        #expect(rollout.begin() == 1..<3)
    }
}
