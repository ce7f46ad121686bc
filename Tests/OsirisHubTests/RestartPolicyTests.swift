import Testing

@testable import OsirisHub

@Suite struct RestartPolicyTests {
    @Test func waitsDoubleUpToThirtySeconds() {
        var policy = RestartPolicy()
        var delays: [Double] = []
        for second in 0..<12 {
            policy.started()
            delays.append(policy.exited(at: Double(second), reason: "exit code 1"))
        }
        #expect(delays.prefix(5) == [0.1, 0.2, 0.4, 0.8, 1.6])
        #expect(delays.suffix(3) == [30, 30, 30])
        #expect(policy.restarts == 11)
    }

    @Test func fiveQuickExitsMakeACrashLoopAndSayWhy() {
        var policy = RestartPolicy()
        for number in 1...5 {
            policy.started()
            #expect(policy.state == .starting)
            _ = policy.exited(at: Double(number), reason: "exit code \(number)")
        }
        #expect(policy.state == .crashLoop)
        #expect(policy.lastError == "exit code 5")
        policy.started()
        #expect(policy.state == .crashLoop)
        policy.ready(at: 100)
        #expect(policy.state == .ready)
    }

    @Test func tenHealthySecondsStartTheCountOver() {
        var policy = RestartPolicy()
        for _ in 1...4 {
            policy.started()
            _ = policy.exited(at: 0, reason: "quick")
        }
        policy.started()
        policy.ready(at: 10)
        #expect(policy.exited(at: 20, reason: "late") == 0.1)
        #expect(policy.quickExits == 1)
        policy.started()
        policy.ready(at: 30)
        #expect(policy.exited(at: 39.9, reason: "quick") == 0.2)
    }

    @Test func aKillByTheHubIsNoFaultOfTheFunction() {
        var policy = RestartPolicy()
        policy.started()
        policy.ready(at: 0)
        #expect(policy.exited(at: 1, reason: "signal 9", excused: true) == 0)
        #expect(policy.lastError == nil)
        #expect(policy.quickExits == 0)
        policy.stopped()
        #expect(policy.state == .stopped)
    }

    @Test func whoIsKilledAgainAndAgainRests() {
        var policy = RestartPolicy()
        func kill() -> Double {
            policy.started()
            policy.ready(at: 0)
            return policy.exited(at: 1, reason: "signal 9", excused: true)
        }
        #expect((0..<12).map { _ in kill() } == [0, 0, 0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])
        #expect(policy.state == .starting && policy.lastError == nil && policy.probation == 20)
        // A call that ends well ends the row, and twenty of them what it has less of.
        policy.started()
        #expect(!policy.worked() && policy.killsInRow == 0)
        #expect(kill() == 0 && policy.probation == 20)
        #expect((0..<21).map { _ in policy.worked() } == (0..<21).map { $0 == 19 })
    }
}
