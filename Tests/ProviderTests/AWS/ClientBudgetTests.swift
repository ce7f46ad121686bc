import OsirisProviderKit
import Synchronization
import Testing

/// The cloud-neutral part: rates and pauses, without any service.
@Suite struct ClientBudgetTests {
    @Test func aBurstIsFreeAndTheRestIsPaced() {
        var bucket = TokenBucket(burst: 10, perSecond: 5)
        #expect((0..<10).map { _ in bucket.take(at: 0) } == Array(repeating: 0, count: 10))
        #expect((1...5).map { _ in bucket.take(at: 0) } == [0.2, 0.4, 0.6, 0.8, 1])
        #expect(bucket.take(at: 2) == 0)
        #expect((0..<10).filter { _ in bucket.take(at: 100) == 0 }.count == 10 && bucket.take(at: 100) > 0)
    }

    @Test func refusalsLowerTheRateAndSuccessRestoresIt() {
        var bucket = TokenBucket(burst: 100, perSecond: 20)
        for _ in 0..<30 { bucket.wasThrottled(at: 10) }
        // Refused together: counted once.
        #expect(bucket.rate == 12)
        #expect(bucket.take(at: 10) > 0)
        for second in 11..<100 { bucket.wasThrottled(at: Double(second)) }
        #expect(bucket.rate == 0.5)
        for _ in 0..<100 { bucket.wasTaken() }
        #expect(bucket.rate == 20)
    }

    @Test func timeThatGoesBackGivesNothing() {
        var bucket = TokenBucket(burst: 1, perSecond: 1)
        #expect(bucket.take(at: 50) == 0 && bucket.take(at: 50) == 1)
        #expect(bucket.take(at: 0) == 2)
    }

    @Test func apisDoNotShareTheirBudget() async throws {
        let slept = Mutex<[Duration]>([])
        let budget = RequestBudget(sleep: { pause in slept.withLock { $0.append(pause) } })
        for _ in 0..<3 { try await budget.admit("a", TokenBucket(burst: 3, perSecond: 1)) }
        try await budget.admit("b", TokenBucket(burst: 1, perSecond: 1))
        #expect(slept.withLock { $0 }.isEmpty)
        try await budget.admit("a", TokenBucket(burst: 3, perSecond: 1))
        #expect(slept.withLock { $0 }.count == 1)
    }

    @Test func pausesGrowToTheirLimit() {
        let backoff = Backoff(first: .milliseconds(200), most: .seconds(20))
        let most = (1...12).map { backoff.delay(after: $0, jitter: 1) }
        #expect(most.first == .milliseconds(200) && most[3] == .milliseconds(1_600))
        #expect(most.last == .seconds(20) && most == most.sorted())
        #expect(backoff.delay(after: 100, jitter: 0) == .seconds(2))
    }
}
