import OsirisPlanner
import Testing

@testable import OsirisEngine

/// The rules of starting and stopping, without any operation running.
struct ApplySchedulerTests {
    private func operations(_ needs: [[Int]]) -> [PlannedOperation] {
        needs.enumerated().map { PlannedOperation(change: $0.offset, kind: .create, needs: $0.element) }
    }

    @Test func aFailureTakesOnlyItsDependants() {
        // 0 ← 1 ← 2, 0 ← 3, 4 alone
        var scheduler = ApplyScheduler(operations([[], [0], [1], [0], []]))
        #expect(scheduler.start() == 0)
        #expect(scheduler.start() == 4)
        #expect(scheduler.start() == nil)
        scheduler.succeed(0)
        #expect(scheduler.start() == 1)
        #expect(scheduler.fail(1) == [2])
        #expect(scheduler.start() == 3)
        scheduler.succeed(3)
        scheduler.succeed(4)
        #expect(scheduler.statuses == [.succeeded, .failed, .skipped, .succeeded, .succeeded])
        #expect(scheduler.remaining.isEmpty)
    }

    @Test func stopLeavesTheRestUntouched() {
        var scheduler = ApplyScheduler(operations([[], [], [0]]))
        #expect(scheduler.start() == 0)
        scheduler.stop()
        #expect(scheduler.start() == nil)
        scheduler.succeed(0)
        #expect(scheduler.remaining == [1, 2])
    }

    /// Random graphs, random ends in random order: nothing starts before what it needs, and everything is accounted for.
    @Test(arguments: 0..<50) func randomGraphsKeepTheirEdges(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let count = 2 + Int.random(in: 0..<60, using: &random)
        let needs = (0..<count).map { node in
            (0..<node).filter { _ in Int.random(in: 0..<8, using: &random) == 0 }
        }
        var scheduler = ApplyScheduler(operations(needs))
        var running: [Int] = []
        while true {
            while running.count < 4, let started = scheduler.start() {
                #expect(needs[started].allSatisfy { scheduler.statuses[$0] == .succeeded }, "seed \(seed)")
                running.append(started)
            }
            guard !running.isEmpty else { break }
            let ended = running.remove(at: Int.random(in: 0..<running.count, using: &random))
            if Int.random(in: 0..<10, using: &random) == 0 {
                for skipped in scheduler.fail(ended) { #expect(!running.contains(skipped), "seed \(seed)") }
            } else {
                scheduler.succeed(ended)
            }
        }
        #expect(scheduler.remaining.isEmpty, "seed \(seed): \(scheduler.statuses)")
        for (node, status) in scheduler.statuses.enumerated() where status == .skipped {
            #expect(needs[node].contains { [.failed, .skipped].contains(scheduler.statuses[$0]) }, "seed \(seed)")
        }
    }
}

/// Small, fast and the same everywhere: a seed printed by a failure gives the same case again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
