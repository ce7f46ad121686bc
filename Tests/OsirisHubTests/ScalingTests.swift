import Testing

@testable import OsirisHub

/// The pure decision.
@Suite struct ScalingTests {
    private static func spares(_ ids: ClosedRange<Int>, since: Double = 0) -> [Scaling.Spare] {
        ids.map { .init(id: $0, since: since) }
    }

    private static func scaling(
        _ min: Int, _ max: Int, concurrency: Int = 1, idleMs: Int = 10_000
    ) -> Scaling { Scaling(.init(min: min, max: max, concurrency: concurrency, idleMs: idleMs)) }

    /// What stands at second 100.
    private static let rows: [(String, Scaling, Scaling.Load, Scaling.Step)] = [
        ("nothing to do at zero", scaling(0, 4), .init(), .rest(until: nil)),
        ("min without a call", scaling(2, 4), .init(), .start(2)),
        ("the first call wakes one", scaling(0, 4), .init(waiting: 1), .start(1)),
        ("a burst starts all it may", scaling(0, 4), .init(waiting: 50), .start(4)),
        ("those on their way count", scaling(0, 4), .init(waiting: 3, pending: spares(1...3)), .rest(until: nil)),
        ("the busy ones count as needed", scaling(0, 4), .init(waiting: 1, running: 2), .start(1)),
        ("never above max", scaling(0, 4), .init(waiting: 9, running: 4), .rest(until: nil)),
        ("some calls per instance", scaling(0, 8, concurrency: 10), .init(waiting: 9, running: 1), .rest(until: nil)),
        ("one more than that", scaling(0, 8, concurrency: 10), .init(waiting: 10, running: 1), .start(1)),
        (
            "one that fails is not multiplied", scaling(0, 8), .init(waiting: 9, pending: spares(1...1), failing: true),
            .rest(until: nil)
        ),
        ("min is kept all the same", scaling(2, 8), .init(pending: spares(1...1), failing: true), .start(1)),
        ("not yet", scaling(0, 4), .init(free: spares(1...2, since: 95)), .rest(until: 105)),
        ("one at a time", scaling(0, 4), .init(free: spares(1...2, since: 90)), .stop(1)),
        (
            "the longest free first", scaling(0, 4),
            .init(free: [.init(id: 1, since: 80), .init(id: 2, since: 70)]), .stop(2)
        ),
        ("min stays", scaling(2, 4), .init(free: spares(1...2)), .rest(until: nil)),
        ("busy ones count for min", scaling(1, 4), .init(running: 1, free: spares(2...2)), .stop(2)),
        (
            "a ready one stays for a failing one", scaling(1, 4),
            .init(free: spares(1...1), pending: spares(2...2), failing: true), .stop(2)
        ),
        (
            "a fresh failing one stays, and so does the ready one", scaling(1, 4),
            .init(free: spares(1...1), pending: spares(2...2, since: 95), failing: true), .rest(until: 105)
        ),
        (
            "nothing stops while a call waits", scaling(0, 1), .init(waiting: 1, pending: spares(1...1)),
            .rest(until: nil)
        ),
    ]

    @Test(arguments: rows.indices) func decides(_ row: Int) {
        let (name, scaling, load, step) = Self.rows[row]
        #expect(scaling.step(load, now: 100) == step, "\(name)")
    }

    @Test func randomSequencesKeepTheBounds() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        for _ in 0..<300 {
            let min = Int.random(in: 0...6, using: &random)
            let scaling = Self.scaling(
                min, Int.random(in: Swift.max(min, 1)...12, using: &random),
                concurrency: Int.random(in: 1...4, using: &random), idleMs: Int.random(in: 1...20_000, using: &random))
            var model = Model(scaling: scaling)
            model.settle()
            for _ in 0..<200 { model.anything(using: &random) }
            model.calm()
            #expect(model.faults == [], "seed \(seed), \(scaling)")
            #expect(model.total == min, "seed \(seed), \(scaling)")
        }
    }
}

/// Instances as far as the decision sees them.
private struct Model {
    let scaling: Scaling
    var load = Scaling.Load()
    var now = 0.0
    var faults: [String] = []
    private var nextID = 0

    init(scaling: Scaling) { self.scaling = scaling }

    var total: Int { load.running + load.free.count + load.pending.count }

    /// Does what the decision says until it says nothing more.
    mutating func settle() {
        var started = false
        var stopped = false
        for _ in 0..<200 {
            switch scaling.step(load, now: now) {
            case .start(let count):
                started = true
                if count < 1 { faults.append("starts \(count)") }
                for _ in 0..<count {
                    nextID += 1
                    load.pending.append(.init(id: nextID, since: now))
                }
            case .stop(let id):
                stopped = true
                if load.waiting > 0 { faults.append("stops while a call waits") }
                let before = total
                load.free.removeAll { $0.id == id }
                load.pending.removeAll { $0.id == id }
                load.failing = load.failing && !load.pending.isEmpty
                if total != before - 1 { faults.append("stops one that is busy or unknown") }
            case .rest(let time):
                if started, stopped { faults.append("starts and stops") }
                if total < scaling.min { faults.append("\(total) below min") }
                if total > scaling.max { faults.append("\(total) above max") }
                if load.waiting > 0, total == 0 { faults.append("a call waits for nothing") }
                if let time, time <= now { faults.append("wants to be asked in the past") }
                return
            }
        }
        faults.append("does not settle")
    }

    mutating func anything(using random: inout SplitMix) {
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: load.waiting += Int.random(in: 1...5, using: &random)
        case 2:
            // One gets ready.
            if !load.pending.isEmpty { load.free.append(.init(id: load.pending.removeFirst().id, since: now)) }
            load.failing = load.failing && !load.pending.isEmpty
        case 3:
            // A call ends, with its instance free again.
            if load.running > 0 {
                load.running -= 1
                nextID += 1
                load.free.append(.init(id: nextID, since: now))
            }
        case 4:
            // An instance dies and is to be started again.
            if load.running > 0 {
                load.running -= 1
                nextID += 1
                load.pending.append(.init(id: nextID, since: now))
                load.failing = true
            }
        case 5: load.waiting = max(0, load.waiting - 1)
        default: now += Double.random(in: 0...15, using: &random)
        }
        lend()
        settle()
    }

    private mutating func lend() {
        while load.waiting > 0, !load.free.isEmpty {
            load.free.removeLast()
            load.waiting -= 1
            load.running += 1
        }
    }

    /// Every call ends, every start works, and time goes on to each moment the decision asks for.
    mutating func calm() {
        load.waiting = 0
        load.failing = false
        load.free += (0..<load.running).map { .init(id: -1 - $0, since: now) }
        load.free += load.pending.map { .init(id: $0.id, since: now) }
        load.running = 0
        load.pending = []
        settle()
        for _ in 0..<100 {
            guard case .rest(let time?) = scaling.step(load, now: now) else { break }
            now = time
            settle()
        }
        load.free += load.pending
        load.pending = []
        settle()
    }
}
