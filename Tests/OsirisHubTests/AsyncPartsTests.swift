import Foundation
import HTTPTypes
import Testing

@testable import OsirisHub

/// The plain parts of asynchronous calls.
struct AsyncPartsTests {
    static let hello = FunctionName(namespace: "demo", name: "hello")
    static let other = FunctionName(namespace: "demo", name: "other")

    @Test func pausesDoubleUpToABound() {
        let schedule = RetrySchedule(base: 1, most: 10)
        let longest = (1...6).map { schedule.delay(failures: $0, retryAfter: nil, jitter: 1) }
        #expect(longest == [1, 2, 4, 8, 10, 10])
        let shortest = (1...6).map { schedule.delay(failures: $0, retryAfter: nil, jitter: 0) }
        #expect(shortest == [0.5, 1, 2, 4, 5, 5])
        #expect(schedule.delay(failures: 1, retryAfter: 7, jitter: 1) == 7)
        #expect(schedule.delay(failures: 4, retryAfter: 7, jitter: 1) == 8)
        #expect(schedule.delay(failures: 1, retryAfter: 1 << 40, jitter: 1) == 3_600)
        #expect(schedule.delay(failures: 5_000, retryAfter: nil, jitter: 1) == 10)
    }

    @Test(arguments: [
        (200, CallOutcome.Meaning.succeeded), (204, .succeeded), (302, .succeeded), (400, .failed), (404, .failed),
        (408, .retry), (409, .failed), (429, .retry), (500, .retry), (503, .retry), (599, .retry),
    ])
    func whatAStatusMeans(status: Int, meaning: CallOutcome.Meaning) {
        #expect(Self.answered(status).meaning == meaning)
    }

    @Test func whatAnErrorOfTheHubMeans() {
        func meaning(_ status: Int, _ code: String) -> CallOutcome.Meaning {
            CallOutcome(HubError(status, code, "x"), callId: "i").meaning
        }
        #expect(meaning(404, "not_found") == .gone)
        #expect(meaning(429, "too_many_calls") == .postponed)
        #expect(meaning(503, "shutting_down") == .postponed)
        for (status, code) in [
            (500, "function_error"), (502, "instance_died"), (503, "not_ready"), (504, "timeout"),
        ] {
            #expect(meaning(status, code) == .retry, "\(code)")
        }
        #expect(meaning(400, "bad_request") == .failed)
        #expect(meaning(413, "output_too_large") == .failed)
    }

    @Test func anEntryGoesThroughItsStates() {
        let schedule = RetrySchedule(base: 1, most: 10)
        var entry = CallEntry(id: "i", function: Self.hello, isAsync: true, created: 1)
        entry.retries = 1
        entry.callback = .init(url: "http://x/")
        entry.begin(at: 10)
        #expect(entry.state == .running && entry.attempts == 1 && entry.started == 10)
        entry.end(Self.answered(503), at: 11, schedule, jitter: 1)
        #expect(entry.state == .queued && entry.failures == 1 && entry.due == 12 && entry.ended == nil)
        entry.begin(at: 12)
        entry.interrupt()
        #expect(entry.state == .queued && entry.attempts == 2 && entry.failures == 1 && entry.due == 0)
        entry.begin(at: 13)
        entry.takeBack(due: 14)
        #expect(entry.state == .queued && entry.attempts == 2 && entry.due == 14)
        entry.begin(at: 14)
        entry.end(Self.answered(500), at: 15, schedule, jitter: 1)
        #expect(entry.state == .dead && entry.attempts == 3 && entry.ended == 15 && entry.status == 500)
        #expect(entry.callback?.state == .pending && entry.isOpen)
        entry.calledBack(.refused(status: 503, retryAfter: nil), at: 16, schedule, jitter: 1, most: 3)
        #expect(entry.callback?.state == .pending && entry.callback?.due == 17 && entry.callback?.lastStatus == 503)
        entry.calledBack(.failed(reason: "no", isFinal: true), at: 17, schedule, jitter: 1, most: 3)
        #expect(entry.callback?.state == .failed && entry.callback?.attempts == 2 && !entry.isOpen)
        entry.revive()
        #expect(entry.state == .queued && entry.failures == 0 && entry.attempts == 3 && entry.ended == nil)
        #expect(entry.callback?.state == .waiting && entry.callback?.attempts == 0)
        let revision = entry.revision
        entry.cancel(at: 20)
        #expect(entry.state == .canceled && entry.revision == revision + 1 && !entry.isOpen)
    }

    @Test func whatWasNotSentIsTriedWithoutEnd() {
        var entry = CallEntry(id: "i", function: Self.hello, isAsync: true, created: 1)
        for _ in 0..<50 {
            entry.begin(at: 1)
            entry.end(
                CallOutcome(HubError(429, "too_many_calls", "x", retryAfter: 1), callId: "i"), at: 1, RetrySchedule(),
                jitter: 1)
        }
        #expect(entry.state == .queued && entry.failures == 0 && entry.attempts == 0)
    }

    @Test func functionsTakeTurnsAndHaveBounds() {
        var lines = CallLines()
        for number in 0..<5 { lines.add("a\(number)", to: Self.hello) }
        for number in 0..<2 { lines.add("b\(number)", to: Self.other) }
        var taken: [String] = []
        while let next = lines.next(now: 0, most: { $0 == Self.hello ? 2 : 9 }) { taken.append(next.id) }
        #expect(taken == ["a0", "b0", "a1", "b1"])
        lines.done(Self.hello)
        #expect(lines.next(now: 0, most: { _ in 2 })?.id == "a2")
        #expect(lines.next(now: 0, most: { _ in 2 }) == nil)
        lines.remove("a3", of: Self.hello)
        #expect(lines.waiting(Self.hello) == 1)
        #expect(lines.removeAll(of: Self.hello) == ["a4"])
        for _ in 0..<2 { lines.done(Self.hello) }
        for _ in 0..<2 { lines.done(Self.other) }
        #expect(lines.functions == [])
    }

    @Test func whatIsNotDueWaits() {
        var lines = CallLines()
        lines.add("late", to: Self.hello, due: 20)
        lines.add("soon", to: Self.hello, due: 10)
        lines.add("mid", to: Self.hello, due: 15)
        #expect(lines.nextDue == 10 && lines.waiting(Self.hello) == 3)
        #expect(lines.next(now: 9, most: { _ in 9 }) == nil)
        #expect(lines.next(now: 16, most: { _ in 9 })?.id == "soon")
        #expect(lines.next(now: 16, most: { _ in 9 })?.id == "mid")
        #expect(lines.next(now: 16, most: { _ in 9 }) == nil)
        #expect(lines.nextDue == 20)
        lines.remove("late", of: Self.hello)
        #expect(lines.nextDue == nil)
    }

    @Test func aLongLineKeepsItsOrder() {
        var lines = CallLines()
        for number in 0..<1_000 { lines.add("\(number)", to: Self.hello) }
        var taken: [String] = []
        while let next = lines.next(now: 0, most: { _ in 1 }) {
            taken.append(next.id)
            lines.done(Self.hello)
            if taken.count == 500 { for number in 1_000..<1_100 { lines.add("\(number)", to: Self.hello) } }
        }
        #expect(taken == (0..<1_100).map(String.init))
    }

    @Test func digestsTellRequestsApart() {
        let request = CallRequest(method: "POST", path: "/", headers: [.contentType: "a/b"], body: [1])
        var others = [request, request, request, request]
        others[0].method = "PUT"
        others[1].path = "/x"
        others[2].headers = [:]
        others[3].body = []
        let digest = request.digest(Self.hello, retries: 2, callback: nil)
        var same = request
        same.headers[.userAgent] = "another"
        #expect(same.digest(Self.hello, retries: 2, callback: nil) == digest)
        for other in others { #expect(other.digest(Self.hello, retries: 2, callback: nil) != digest) }
        #expect(request.digest(Self.other, retries: 2, callback: nil) != digest)
        #expect(request.digest(Self.hello, retries: 3, callback: nil) != digest)
        #expect(request.digest(Self.hello, retries: 2, callback: "u") != digest)
    }

    private static func answered(_ status: Int) -> CallOutcome {
        CallOutcome(FunctionAnswer.test(status), body: [])
    }
}
