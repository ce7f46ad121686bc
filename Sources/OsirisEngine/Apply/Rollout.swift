import OsirisManifest
import OsirisPlanner

/// Decides which machine may begin its turn. No I/O, no clock: the rules alone.
///
/// Machines begin in the plan's order. The canaries go before all others. Never are machines of two failure domains in work
/// at once, and never are more of a target unavailable than its limit: those in work, those that failed and those that did
/// not serve before. While no more than the limit are broken, one machine may always be in work.
struct Rollout {
    enum Status: Equatable {
        case waiting, inWork
        /// Done; its place is still taken.
        case resting
        case passed, failed
    }

    private let plan: PlannedRollout
    private(set) var statuses: [Status]
    private let targets: [Substring: Int]
    /// By target: machines that do not serve and are not in work.
    private var broken: [Int]
    private var inWork: [Int]
    /// In order; those that can only go together are one turn.
    private var waiting: [Range<Int>] = []
    /// Canaries that have begun and still have their place.
    private var busyCanaries = 0
    /// The machines in work and resting, and the domain that they are all in.
    private var places = 0
    private var domain: String?
    /// The first machine whose failure ended the rollout.
    private(set) var halted: Int?

    init(_ plan: PlannedRollout) {
        self.plan = plan
        statuses = Array(repeating: .waiting, count: plan.machines.count)
        var targets: [Substring: Int] = [:]
        for (index, target) in plan.targets.enumerated() { targets[Substring(target.name)] = index }
        self.targets = targets
        broken = plan.targets.map(\.broken)
        inWork = Array(repeating: 0, count: plan.targets.count)
        for machine in plan.machines.indices {
            if plan.machines[machine].goesWithPrevious, let last = waiting.popLast() {
                waiting.append(last.lowerBound..<machine + 1)
            } else {
                waiting.append(machine..<machine + 1)
            }
        }
    }

    /// Machines that have not begun.
    var waitingCount: Int { waiting.reduce(0) { $0 + $1.count } }

    /// Takes the next machines that may begin now: one, or those that can only go together. Empty if none may.
    mutating func begin() -> Range<Int> {
        guard halted == nil, let position = nextPosition() else { return 0..<0 }
        let turn = waiting.remove(at: position)
        for machine in turn {
            statuses[machine] = .inWork
            places += 1
            if machine < plan.canaries { busyCanaries += 1 }
            let target = self.target(machine)
            inWork[target] += 1
            if plan.machines[machine].isBroken { broken[target] -= 1 }
        }
        domain = plan.machines[turn.lowerBound].domain
        return turn
    }

    /// The first turn that may begin. One that work under way holds back holds back those after it; one that broken machines
    /// hold back does not, for the repair of these may come after it.
    private func nextPosition() -> Int? {
        for (position, turn) in waiting.enumerated() {
            let first = turn.lowerBound
            if isHeldByBroken(turn) { continue }
            if first >= plan.canaries && busyCanaries > 0 { return nil }
            if places > 0 && plan.machines[first].domain != domain { return nil }
            return hasRoom(for: turn) ? position : nil
        }
        return nil
    }

    private func isHeldByBroken(_ turn: Range<Int>) -> Bool {
        turn.contains { down(target($0), without: turn) > plan.targets[target($0)].limit }
    }

    private func hasRoom(for turn: Range<Int>) -> Bool {
        turn.allSatisfy { machine in
            let target = self.target(machine)
            let count = turn.count { self.target($0) == target }
            return inWork[target] == 0
                || down(target, without: turn) + inWork[target] + count <= plan.targets[target].limit
        }
    }

    /// Machines of a target that do not serve, not counting those that would now be repaired.
    private func down(_ target: Int, without turn: Range<Int>) -> Int {
        broken[target] - turn.count { self.target($0) == target && plan.machines[$0].isBroken }
    }

    /// Every operation of a machine has ended well. Its place stays taken until `rest` is over, if it is to rest.
    mutating func pass(_ machine: Int, rests: Bool) {
        precondition(statuses[machine] == .inWork)
        statuses[machine] = rests ? .resting : .passed
        if !rests { leave(machine) }
    }

    mutating func endRest(_ machine: Int) {
        precondition(statuses[machine] == .resting)
        statuses[machine] = .passed
        leave(machine)
    }

    /// An operation of a machine failed, and all that was to be done about it has ended.
    /// - Parameter serves: true if it was put back.
    mutating func fail(_ machine: Int, serves: Bool = false) {
        precondition(statuses[machine] == .inWork)
        statuses[machine] = .failed
        leave(machine)
        if !serves { broken[target(machine)] += 1 }
        if plan.spec.onFailure != .continue { halt(machine) }
    }

    /// No further machine begins.
    mutating func halt(_ machine: Int) { if halted == nil { halted = machine } }

    /// True if machines wait although none is in work: too many of a target are broken.
    var isStuck: Bool { halted == nil && places == 0 && !waiting.isEmpty && nextPosition() == nil }

    private mutating func leave(_ machine: Int) {
        inWork[target(machine)] -= 1
        places -= 1
        if machine < plan.canaries { busyCanaries -= 1 }
        if places == 0 { domain = nil }
    }

    private func target(_ machine: Int) -> Int { targets[plan.machines[machine].root.target] ?? 0 }
}
