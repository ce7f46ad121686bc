import OsirisModel
import OsirisPlanner

/// Which operations come next: follows the plan by the events alone, the way the scheduler does.
struct UpcomingOperations {
    private struct Key: Hashable {
        var address: ResourceAddress
        var kind: PlannedOperation.Kind
    }

    private let addresses: [ResourceAddress]
    private var dependants: [[Int]]
    private var missing: [Int]
    private var indices: [Key: Int] = [:]
    /// In the order they became ready; the started ones are skipped over.
    private var ready: [Int]
    private var nextReady = 0
    private var isWaiting: [Bool]
    /// Operations not started yet.
    private(set) var waitingCount: Int

    init(_ plan: Plan) {
        addresses = plan.operations.map { plan.changes[$0.change].address }
        missing = plan.operations.map(\.needs.count)
        dependants = Array(repeating: [], count: plan.operations.count)
        for (index, operation) in plan.operations.enumerated() {
            for need in operation.needs { dependants[need].append(index) }
            indices[Key(address: addresses[index], kind: operation.kind)] = index
        }
        ready = plan.operations.indices.filter { plan.operations[$0].needs.isEmpty }
        isWaiting = Array(repeating: true, count: plan.operations.count)
        waitingCount = plan.operations.count
    }

    /// It was started, or never will be.
    mutating func leave(_ address: ResourceAddress, _ kind: PlannedOperation.Kind) {
        guard let index = indices[Key(address: address, kind: kind)], isWaiting[index] else { return }
        isWaiting[index] = false
        waitingCount -= 1
        while nextReady < ready.count, !isWaiting[ready[nextReady]] { nextReady += 1 }
    }

    mutating func succeed(_ address: ResourceAddress, _ kind: PlannedOperation.Kind) {
        guard let index = indices[Key(address: address, kind: kind)] else { return }
        for dependant in dependants[index] {
            missing[dependant] -= 1
            if missing[dependant] == 0 { ready.append(dependant) }
        }
    }

    /// The first few that could start now.
    func next(_ count: Int) -> [ResourceAddress] {
        ready[nextReady...].lazy.filter { isWaiting[$0] }.prefix(count).map { addresses[$0] }
    }
}
