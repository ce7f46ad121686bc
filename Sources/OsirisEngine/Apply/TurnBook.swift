import OsirisPlanner

/// How far each machine of a rollout has come with its turn: what waits for it to begin, what runs, what is left.
struct TurnBook {
    private struct Turn {
        var hasBegun = false
        var hasFailed = false
        var isAbandoned = false
        /// Ready operations that wait for the turn to begin.
        var held: [Int] = []
        /// Operations that have not ended and may still run.
        var left: Int
        var running = 0
        var isTold = false
    }

    private var turns: [Turn]
    /// By operation; -1 for one that belongs to no turn.
    private var machines: [Int]
    private var ended: [ApplyScheduler.EndedTurn] = []

    init(_ machines: [PlannedRollout.Machine], operations: Int) {
        turns = machines.map { Turn(left: $0.operations.count) }
        self.machines = Array(repeating: -1, count: operations)
        for (index, machine) in machines.enumerated() {
            for operation in machine.operations { self.machines[operation] = index }
        }
    }

    func machine(of operation: Int) -> Int? { machines[operation] < 0 ? nil : machines[operation] }

    func isAbandoned(_ operation: Int) -> Bool { machine(of: operation).map { turns[$0].isAbandoned } ?? false }

    func isOver(_ machine: Int) -> Bool { turns[machine].left == 0 }

    /// Keeps a ready operation back if its machine has not begun.
    mutating func holds(_ operation: Int) -> Bool {
        guard let machine = machine(of: operation), !turns[machine].hasBegun else { return false }
        turns[machine].held.append(operation)
        return true
    }

    /// - Returns: what was held back and may start now.
    mutating func begin(_ machine: Int) -> [Int] {
        turns[machine].hasBegun = true
        defer { turns[machine].held = [] }
        return turns[machine].held
    }

    mutating func start(_ operation: Int) { if let machine = machine(of: operation) { turns[machine].running += 1 } }

    mutating func end(_ operation: Int) {
        guard let machine = machine(of: operation) else { return }
        turns[machine].running -= 1
        turns[machine].left -= 1
        note(machine)
    }

    mutating func fail(_ operation: Int) {
        guard let machine = machine(of: operation) else { return }
        turns[machine].hasFailed = true
        end(operation)
    }

    mutating func skip(_ operation: Int) {
        guard let machine = machine(of: operation) else { return }
        turns[machine].left -= 1
        note(machine)
    }

    mutating func abandon(_ machine: Int) {
        turns[machine].isAbandoned = true
        note(machine)
    }

    mutating func takeEnded() -> [ApplyScheduler.EndedTurn] {
        defer { ended = [] }
        return ended
    }

    private mutating func note(_ machine: Int) {
        let turn = turns[machine]
        guard turn.hasBegun, !turn.isTold, turn.running == 0, turn.left == 0 || turn.isAbandoned else { return }
        turns[machine].isTold = true
        ended.append(.init(machine: machine, failed: turn.hasFailed))
    }
}
