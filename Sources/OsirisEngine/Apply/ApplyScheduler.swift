import OsirisPlanner

/// Decides which operation may start next. No I/O, no clock: the rules alone.
///
/// An operation is ready when all it needs has succeeded. A failure takes its dependants out, nothing else.
/// Ready operations start in plan order, so that neighbours in the plan are neighbours in the state file too.
struct ApplyScheduler {
    enum Status: Equatable { case waiting, running, succeeded, failed, skipped }

    private let dependants: [[Int]]
    private var missing: [Int]
    private var ready: [Int]
    private var nextReady = 0
    private(set) var statuses: [Status]
    private(set) var runningCount = 0
    /// Operations that have neither started nor been skipped.
    private(set) var waitingCount: Int
    private var stopped = false

    init(_ operations: [PlannedOperation]) {
        var dependants = [[Int]](repeating: [], count: operations.count)
        missing = operations.map(\.needs.count)
        waitingCount = operations.count
        for (index, operation) in operations.enumerated() {
            for need in operation.needs { dependants[need].append(index) }
        }
        self.dependants = dependants
        statuses = Array(repeating: .waiting, count: operations.count)
        ready = operations.indices.filter { operations[$0].needs.isEmpty }
    }

    /// Takes the next operation to start, or nil if none may start now.
    mutating func start() -> Int? {
        guard !stopped, nextReady < ready.count else { return nil }
        let operation = ready[nextReady]
        nextReady += 1
        statuses[operation] = .running
        waitingCount -= 1
        runningCount += 1
        return operation
    }

    mutating func succeed(_ operation: Int) {
        finish(operation, .succeeded)
        for dependant in dependants[operation] {
            missing[dependant] -= 1
            if missing[dependant] == 0 && statuses[dependant] == .waiting { ready.append(dependant) }
        }
    }

    /// - Returns: the operations that can no longer run, nearest first.
    mutating func fail(_ operation: Int) -> [Int] {
        finish(operation, .failed)
        var skipped: [Int] = []
        var pending = dependants[operation]
        while !pending.isEmpty {
            let next = pending.removeFirst()
            guard statuses[next] == .waiting else { continue }
            statuses[next] = .skipped
            waitingCount -= 1
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

    private mutating func finish(_ operation: Int, _ status: Status) {
        precondition(statuses[operation] == .running, "operation \(operation) ended without running")
        statuses[operation] = status
        runningCount -= 1
    }
}
