import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import Testing

@testable import OsirisEngine

/// Applies against a scripted provider and a real state.
struct ApplierTests {
    private static let chain: [(String, String?, Int)] = [("a", nil, 1), ("b", "a", 1), ("c", "b", 1), ("x", nil, 1)]

    @Test func appliesInOrderAndTheSecondPlanIsEmpty() async throws {
        let rig = try Rig(FakeProvider(Self.chain))
        let summary = try await rig.apply()
        #expect(summary.isComplete && summary.succeeded[.create] == 4)
        let calls = rig.provider.world.withLock { $0.calls }.filter { $0 != "create x" }
        #expect(calls == ["create a", "create b", "create c"])
        #expect(try await rig.plan().0.isEmpty)
        let destroyed = try await rig.apply(.destroy)
        #expect(destroyed.isComplete)
        #expect(rig.provider.world.withLock { $0.objects.isEmpty })
        #expect(
            rig.provider.world.withLock { $0.calls.suffix(4).filter { $0 != "delete x" } } == [
                "delete c", "delete b", "delete a",
            ])
    }

    @Test func aFailureStopsDependantsOnlyAndTheNextRunGoesOn() async throws {
        let rig = try Rig(FakeProvider(Self.chain, script: .init(failures: ["b": [.rejected]])))
        let first = try await rig.apply()
        #expect(first.failed == 1 && first.skipped == 1 && first.succeeded[.create] == 2)
        #expect(first.diagnostics.first?.address == "t/thing.b")
        let second = try await rig.apply()
        #expect(second.isComplete && second.succeeded[.create] == 2, "\(second.diagnostics)")
    }

    @Test func retriesByClass() async throws {
        let rig = try Rig(
            FakeProvider(
                [("a", nil, 1)], script: .init(failures: ["a": [.throttled(retryAfter: .seconds(9)), .transient]])))
        let summary = try await rig.apply()
        #expect(summary.isComplete)
        let slept = rig.slept.withLock { $0 }
        #expect(slept.count == 2 && slept[0] >= .seconds(9) && slept[1] <= .milliseconds(400))
        let retries = rig.events.all.filter { if case .retrying = $0 { true } else { false } }
        #expect(retries.count == 2)
    }

    @Test func retriesEnd() async throws {
        let rig = try Rig(
            FakeProvider([("a", nil, 1)], script: .init(failures: ["a": Array(repeating: .transient, count: 99)])))
        let summary = try await rig.apply(retry: RetryPolicy(maxAttempts: 3))
        #expect(summary.failed == 1)
        #expect(rig.provider.world.withLock { $0.calls.count } == 3)
    }

    @Test func aLostAnswerIsFoundAndNotMadeTwice() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(lostAnswers: ["a"], unknownAnswers: 3)))
        // The fake traps when an object is made twice.
        #expect(try await rig.apply().isComplete)
        #expect(rig.provider.world.withLock { $0.calls } == ["create a"])
        #expect(try await rig.plan().0.isEmpty)
    }

    @Test func neverMoreAtOnceThanAllowed() async throws {
        let things = (0..<40).map { ("n\($0)", String?.none, 1) }
        let rig = try Rig(FakeProvider(things, script: .init(wait: .milliseconds(20))))
        #expect(try await rig.apply(parallelism: 5).isComplete)
        #expect((2...5).contains(rig.provider.world.withLock { $0.mostRunning }))
    }

    @Test func stopFinishesWhatRunsAndNamesTheRest() async throws {
        let things = (0..<20).map { ("n\($0)", String?.none, 1) }
        let rig = try Rig(FakeProvider(things, script: .init(wait: .milliseconds(50))))
        let control = ApplyControl()
        async let stopped: Void = {
            while rig.provider.world.withLock({ $0.calls.isEmpty }) { await Task.yield() }
            await control.stop(.interrupted)
        }()
        let summary = try await rig.apply(parallelism: 2, control: control)
        await stopped
        #expect(summary.stopped == .interrupted && summary.failed == 0)
        #expect(summary.succeeded[.create, default: 0] + summary.remaining.count == 20)
        #expect(try await rig.store.snapshot().resources.count == summary.succeeded[.create, default: 0])
        #expect(try await rig.apply().isComplete)
        #expect(rig.provider.world.withLock { $0.objects.count } == 20)
    }

    @Test func noFurtherTryAfterAStop() async throws {
        let rig = try Rig(
            FakeProvider(
                [("a", nil, 1)],
                script: .init(failures: ["a": Array(repeating: .transient, count: 20_000)], wait: .milliseconds(1))))
        let control = ApplyControl()
        await control.stop(.deadline)
        let stopped = try await rig.apply(control: control)
        #expect(stopped.remaining.count == 1)
        let running = ApplyControl()
        async let stop: Void = {
            while rig.provider.world.withLock({ $0.calls.isEmpty }) { await Task.yield() }
            await running.stop(.interrupted)
        }()
        let summary = try await rig.apply(retry: RetryPolicy(maxAttempts: 1_000_000), control: running)
        await stop
        #expect(summary.stopped == .interrupted && summary.failed == 1)
    }

    @Test func theSecondStopCancelsAndTheNextRunSettles() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(wait: .seconds(600))))
        let control = ApplyControl()
        async let stopped: Void = {
            while rig.provider.world.withLock({ $0.running }) == 0 { await Task.yield() }
            await control.stop(.interrupted)
            await control.stop(.interrupted)
        }()
        let summary = try await rig.apply(control: control)
        await stopped
        #expect(summary.stopped == .cancelled)
        #expect(try await rig.store.snapshot().intents.count == 1)
        rig.provider.script.withLock { $0.wait = .zero }
        #expect(try await rig.apply().isComplete)
        #expect(try await rig.store.snapshot().intents.isEmpty)
    }

    @Test func aFailedUpdateIsTakenUpAgain() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)]))
        #expect(try await rig.apply().isComplete)
        // Drift makes an update necessary; it fails after it took effect, as a failed smoke call does.
        rig.provider.world.withLock { $0.objects[FakeProvider.address("a")]!["size"] = 7 }
        rig.provider.script.withLock { $0.failures["a"] = [.rejected] }
        #expect(try await rig.apply().failed == 1)
        rig.provider.world.withLock { $0.objects[FakeProvider.address("a")]!["size"] = 1 }
        let (plan, _) = try await rig.plan()
        #expect(plan.changes.first?.action == .update)
        #expect(plan.changes.first?.reason.text.contains("did not finish") == true)
        #expect(try await rig.apply().isComplete)
        #expect(try await rig.plan().0.isEmpty)
    }
}
