import Foundation
import OsirisModel
import Testing

@testable import OsirisState

/// What a shared state costs in requests, and what stays of its log. Counted, not timed.
@Suite(.enabled(if: Child.path == nil)) struct SharedCostTests {
    let store = FaultyStore(checksLeases: true)
    /// Days pass between runs, so that what is old enough is removed.
    let clock = TestClock()

    func open() -> StateStore { .open(store, now: { [clock] in clock.now }) }

    func calls(_ body: () async throws -> Void) async rethrows -> Int {
        let before = store.calls
        try await body()
        return store.calls - before
    }

    @Test func aCommitIsOneRequest() async throws {
        let session = try await open().begin(.test)
        for number in 0..<50 {
            let calls = try await calls { try await session.create(.sample(number)) }
            #expect(calls == 2)
        }
        // However many wait, two commits serve them: the one that runs, and the one after it.
        let shared = try await calls {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 { group.addTask { try await session.record(.observed(.sample(number))) } }
                try await group.waitForAll()
            }
        }
        #expect(shared <= 500)
        try await session.end(.succeeded)
    }

    @Test func aRunCostsTheSameAtEverySize() async throws {
        for size in [10, 300] {
            let filling = try await open().begin(.test)
            for number in 0..<size { try await filling.record(.observed(.sample(number))) }
            try await filling.end(.succeeded)
            clock.advance(days: 1)
            let begun = store.calls
            let session = try await open().begin(.test)
            let beginning = store.calls - begun
            let work = try await calls { try await session.create(.sample(1_000)) }
            let ending = try await calls { try await session.end(.succeeded) }
            let reading = try await calls { _ = try await open().snapshot() }
            print("requests at \(size) resources: begin \(beginning), apply \(work), end \(ending), load \(reading)")
            #expect(beginning <= 10 && work == 2 && ending <= 2 && reading <= 6)
        }
    }

    @Test func theLogStaysShortAndTheHistoryWhole() async throws {
        var loads: [Int] = []
        for run in 0..<60 {
            let session = try await open().begin(.test)
            for number in 0..<5 { try await session.record(.observed(.sample(number, version: run))) }
            try await session.end(run == 50 ? .failed : .succeeded)
            clock.advance(days: 1)
            loads.append(try await calls { _ = try await open().snapshot() })
        }
        #expect(loads.max() ?? 0 <= 6)
        // Two checkpoints and the log after the older one.
        let checkpoints = try await store.list("checkpoint/", after: nil).filter { $0.hasSuffix("/whole") }
        #expect(checkpoints.count == 2)
        #expect(try await store.list("log/", after: nil).count <= 3 * SharedLog.longLog)
        let applies = try await open().applies(limit: 1_000)
        #expect(applies.map(\.id) == Array((1...60).reversed()))
        #expect(applies.allSatisfy { $0.counts == [.observed: 5] && $0.endedAt != nil })
        #expect(applies.filter { $0.outcome == .failed }.map(\.id) == [51])
        #expect(try await open().applies(limit: 3).map(\.id) == [60, 59, 58])
        for id in [1, 51, 60] { #expect(try await open().events(ofApply: id).count == 5) }
        #expect(try await open().snapshot().serial == 300)
    }

    @Test func afterADestroyNothingButACheckpointIsRead() async throws {
        let session = try await open().begin(.test)
        for number in 0..<20 { try await session.create(.sample(number)) }
        for number in 0..<20 { try await session.delete(.sample(number)) }
        try await session.end(.succeeded)
        let reading = try await calls { _ = try await open().snapshot() }
        #expect(reading <= 5)
        #expect(try await open().snapshot().serial == 40)
    }

    /// A run that was killed is in the history, also when its part of the log is gone.
    @Test func abandonedRunsAreFiled() async throws {
        let old = try await open().begin(.test, as: PlaceLockTests.dead)
        try await old.create(.sample(1))
        for _ in 0..<60 {
            clock.advance(days: 1)
            let session = try await open().begin(.test)
            for number in 0..<3 { try await session.record(.observed(.sample(number))) }
            try await session.end(.succeeded)
        }
        #expect(try await store.list("log/", after: nil).first != SharedKeys.segment(1))
        let first = try await open().applies(limit: 100).last
        #expect(first?.outcome == .abandoned && first?.user == "ada" && first?.counts == [.created: 1])
        #expect(try await open().events(ofApply: 1).map(\.kind) == [.created])
    }

    /// Readers and a writer that writes a checkpoint and trims after every run.
    @Test func readersStandATrim() async throws {
        let first = try await open().begin(.test)
        for number in 0..<5 { try await first.record(.observed(.sample(number))) }
        try await first.end(.succeeded)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let isDone = Flag()
            for _ in 0..<4 {
                group.addTask {
                    while !isDone.isSet {
                        let snapshot = try await open().snapshot()
                        #expect(snapshot.resources.count == 5)
                        await Task.yield()
                    }
                }
            }
            group.addTask {
                for run in 0..<12 {
                    clock.advance(days: 1)
                    let session = try await open().begin(.test)
                    for number in 0..<40 { try await session.record(.observed(.sample(number % 5, version: run))) }
                    try await session.end(.succeeded)
                }
                isDone.set()
            }
            try await group.waitForAll()
        }
        #expect(try await open().snapshot().serial == 485)
    }

    /// A write that hung until its lock was another's, and its position was trimmed, is not taken for done.
    @Test func aWriteIntoTheTrimmedPastIsNoSuccess() async throws {
        let store = FaultyStore()
        func open() -> StateStore { .open(store, trust: .zero, now: { [clock] in clock.now }) }
        let old = try await open().begin(.test)
        try await old.create(.sample(0))
        store.holdNextWrite()
        async let late = codes { try await old.record(.observed(.sample(1))) }
        await store.untilHeld()
        store.inner.advance(by: .seconds(60))
        for _ in 0..<60 {
            clock.advance(days: 1)
            let session = try await open().begin(.test)
            for number in 5..<9 { try await session.record(.observed(.sample(number))) }
            try await session.end(.succeeded)
        }
        let positions = try await store.inner.list("log/", after: nil)
        store.letGo()
        #expect(await late == [.lockLost])
        #expect(try await open().snapshot().resources.count == 5)
        print("log after the late write: \(positions.first ?? "-")")
    }
}
