import OsirisPlanner

/// Decides which operation may start next. No I/O, no clock: the rules alone.
///
/// An operation is ready when all it needs has succeeded. A failure takes its dependants out, nothing else.
/// Ready operations start in plan order, so that neighbours in the plan are neighbours in the state file too. Those of a
/// machine of the rollout wait until its turn begins.
struct ApplyScheduler {
    enum Status: Equatable { case waiting, running, succeeded, failed, skipped }

    /// A machine of the rollout that has nothing left to run.
    struct EndedTurn: Equatable {
        var machine: Int
        var failed: Bool
    }

    private let dependants: [[Int]]
    private var missing: [Int]
    private var ready: [Int]
    private var nextReady = 0
    private(set) var statuses: [Status]
    private(set) var runningCount = 0
    /// Operations that have neither started nor been skipped.
    private(set) var waitingCount: Int
    private var stopped = false
    private(set) var rollout: Rollout?
    private var turns: TurnBook

    init(_ operations: [PlannedOperation], rollout: PlannedRollout? = nil) {
        var dependants = [[Int]](repeating: [], count: operations.count)
        missing = operations.map(\.needs.count)
        waitingCount = operations.count
        for (index, operation) in operations.enumerated() {
            for need in operation.needs { dependants[need].append(index) }
        }
        self.dependants = dependants
        statuses = Array(repeating: .waiting, count: operations.count)
        self.rollout = rollout.map(Rollout.init)
        turns = TurnBook(rollout?.machines ?? [], operations: operations.count)
        ready = []
        for index in operations.indices where operations[index].needs.isEmpty { makeReady(index) }
    }

    /// Begins the turns of the machines that may have theirs now.
    /// - Returns: these machines.
    mutating func beginTurns() -> [Int] {
        guard !stopped, rollout != nil else { return [] }
        var begun: [Int] = []
        while let turn = rollout?.begin(), !turn.isEmpty {
            for machine in turn {
                ready += turns.begin(machine)
                if turns.isOver(machine) {
                    // All of it was skipped before: nothing is done to it.
                    rollout?.pass(machine, rests: false)
                } else {
                    begun.append(machine)
                }
            }
        }
        return begun
    }

    /// Takes the next operation to start, or nil if none may start now.
    /// - Parameter hasRoom: false for one that has to wait; what comes after it waits too.
    mutating func start(if hasRoom: (Int) -> Bool = { _ in true }) -> Int? {
        while !stopped, nextReady < ready.count {
            let operation = ready[nextReady]
            if turns.isAbandoned(operation) {
                nextReady += 1
                continue
            }
            guard hasRoom(operation) else { return nil }
            nextReady += 1
            statuses[operation] = .running
            waitingCount -= 1
            runningCount += 1
            turns.start(operation)
            return operation
        }
        return nil
    }

    mutating func succeed(_ operation: Int) {
        finish(operation, .succeeded)
        turns.end(operation)
        for dependant in dependants[operation] {
            missing[dependant] -= 1
            if missing[dependant] == 0 && statuses[dependant] == .waiting { makeReady(dependant) }
        }
    }

    /// - Returns: the operations that can no longer run, nearest first.
    mutating func fail(_ operation: Int) -> [Int] {
        finish(operation, .failed)
        turns.fail(operation)
        var skipped: [Int] = []
        var pending = dependants[operation]
        while !pending.isEmpty {
            let next = pending.removeFirst()
            guard statuses[next] == .waiting else { continue }
            statuses[next] = .skipped
            waitingCount -= 1
            turns.skip(next)
            skipped.append(next)
            pending += dependants[next]
        }
        return skipped
    }

    /// Starts nothing more; what runs goes on.
    mutating func stop() { stopped = true }

    /// Operations that never started and were not skipped.
    var remaining: [Int] { statuses.indices.filter { statuses[$0] == .waiting } }

    /// The next operations in line, for the live view.
    func upcoming(_ count: Int) -> ArraySlice<Int> { ready[nextReady...].prefix(count) }

    private mutating func makeReady(_ operation: Int) {
        if !turns.holds(operation) { ready.append(operation) }
    }

    private mutating func finish(_ operation: Int, _ status: Status) {
        precondition(statuses[operation] == .running, "operation \(operation) ended without running")
        statuses[operation] = status
        runningCount -= 1
    }

    // MARK: The rollout

    /// The machine whose turn an operation belongs to.
    func machine(of operation: Int) -> Int? { turns.machine(of: operation) }

    /// No further machine begins, because this one failed.
    mutating func halt(_ machine: Int) { rollout?.halt(machine) }

    /// Starts nothing more of a machine's turn.
    mutating func abandon(_ machine: Int) { turns.abandon(machine) }

    /// The turns that ended since the last call. Each has to be answered by `pass` or `failTurn`.
    mutating func takeEndedTurns() -> [EndedTurn] { turns.takeEnded() }

    mutating func pass(_ machine: Int, rests: Bool) { rollout?.pass(machine, rests: rests) }
    mutating func endRest(_ machine: Int) { rollout?.endRest(machine) }
    mutating func failTurn(_ machine: Int, serves: Bool) { rollout?.fail(machine, serves: serves) }
}
