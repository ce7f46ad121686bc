import Foundation
import Synchronization
import Testing

@testable import OsirisHub

/// Asynchronous calls with a real store and a function that is a closure.
struct AsyncCallsTests {
    @Test func aCallIsMadeAndItsResultKept() async throws {
        let rig = try AsyncRig()
        try await rig.with { calls in
            #expect(try await rig.submit("a", to: calls))
            try await rig.wait("a", .succeeded, in: calls)
            let entry = try #require(try await calls.entry("a"))
            #expect(entry.attempts == 1 && entry.status == 200 && entry.version == 3 && entry.instance == "i1")
            let result = try await calls.result(entry)
            #expect(
                result.status == 200 && result.body == Array("hi".utf8) && result.headers[.contentType] == "text/plain")
            #expect(try await calls.store.request("a") == nil)
            #expect(rig.handed.withLock { $0.map(\.attempt) } == ["1"])
        }
    }

    @Test func theSameCallIsTakenOnceAlsoAtTheSameTime() async throws {
        let rig = try AsyncRig()
        try await rig.with { calls in
            let new = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 { group.addTask { try await rig.submit("a", to: calls) } }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(new == 1)
            try await rig.wait("a", .succeeded, in: calls)
            #expect(try await rig.submit("a", to: calls) == false)
            await #expect(throws: HubError(409, "exists", "There is another call with the id a.")) {
                try await rig.submit("a", to: calls, body: "other")
            }
        }
        // Another hub knows it, too.
        try await rig.with { calls in
            let isNew = try await rig.submit("a", to: calls)
            #expect(!isNew)
        }
        #expect(rig.handedIDs == ["a"])
    }

    @Test func failuresAreTriedAgainAndThenDead() async throws {
        let rig = try AsyncRig()
        rig.statuses.withLock { $0 = ["a": [503, 500, 200], "b": [500, 429, 408, 200], "c": [404, 200]] }
        try await rig.with { calls in
            for id in ["a", "b", "c"] { try await rig.submit(id, to: calls) }
            try await rig.wait("a", .succeeded, in: calls)
            try await rig.wait("b", .dead, in: calls)
            try await rig.wait("c", .failed, in: calls)
            #expect(rig.handed.withLock { $0.filter { $0.id == "a" }.map(\.attempt) } == ["1", "2", "3"])
            let dead = try #require(try await calls.entry("b"))
            #expect(dead.attempts == 3 && dead.status == 408 && dead.error == "The function answered 408.")
            let letters = try await calls.list(CallQuery(namespaces: ["demo"], state: .dead, limit: 10))
            #expect(letters.map(\.id) == ["b"])
            // Only a dead one comes back.
            await #expect(throws: HubError.self) { try await calls.retry("c") }
            #expect(try await calls.retry("b").state == .queued)
            try await rig.wait("b", .succeeded, in: calls)
            #expect(try await calls.entry("b")?.attempts == 4)
        }
    }

    @Test func aCallIsCanceledInEachState() async throws {
        let rig = try AsyncRig()
        rig.functions.withLock { $0 = [AsyncRig.hello: 1] }
        rig.held.withLock { $0 = ["running"] }
        try await rig.with { calls in
            try await rig.submit("running", to: calls)
            try await eventually("it runs") { rig.handedIDs == ["running"] }
            try await rig.submit("queued", to: calls, callback: "http://127.0.0.1:9/never")
            try await rig.submit("next", to: calls)
            #expect(try await calls.cancel("queued").state == .canceled)
            #expect(try await calls.cancel("running").state == .canceled)
            try await rig.wait("next", .succeeded, in: calls)
            #expect(rig.handedIDs == ["running", "next"])
            for id in ["queued", "running", "next"] {
                await #expect(throws: HubError.self) { try await calls.cancel(id) }
            }
            await #expect(throws: AsyncCalls.unknown("none")) { try await calls.cancel("none") }
            let canceled = try #require(try await calls.entry("running"))
            await #expect(throws: HubError.self) { try await calls.result(canceled) }
        }
        try await rig.with { calls in
            for id in ["running", "queued"] {
                let entry = try await calls.entry(id)
                #expect(entry?.state == .canceled)
                // It has none that it would wait for, and none was sent.
                #expect(entry?.callback?.state == (id == "queued" ? .canceled : nil))
                #expect(entry?.callback?.attempts ?? 0 == 0)
            }
            let live = await calls.live
            #expect(live.isEmpty)
        }
    }

    @Test func aResultThatComesAfterTheCancelIsDropped() async throws {
        let rig = try AsyncRig()
        let gate = Mutex(false)
        try await rig.with { real in
            // A function that does not notice that its caller went away.
            let calls = AsyncCalls(
                store: real.store, options: AsyncRig.options, delivery: Delivery(), logger: real.logger,
                functions: { [AsyncRig.hello: 1] },
                execute: { _, call in
                    while !gate.withLock({ $0 }) { await Task.yield() }
                    return FunctionAnswer.test(500)
                })
            try await rig.submit("a", to: calls)
            try await rig.wait("a", .running, in: calls)
            _ = try await calls.cancel("a")
            let live = await calls.live["a"]
            #expect(live?.state == .canceled)
            gate.withLock { $0 = true }
            try await eventually("the attempt is over") { await calls.live["a"] == nil }
            #expect(try await calls.entry("a")?.state == .canceled)
            #expect(try await calls.store.result("a") == nil)
        }
    }

    @Test func callsOfADeletedFunctionAreDead() async throws {
        let rig = try AsyncRig()
        let other = AsyncPartsTests.other
        rig.functions.withLock { $0 = [AsyncRig.hello: 0, other: 0] }
        try await rig.with { calls in
            for id in ["a", "b"] { try await rig.submit(id, to: calls) }
            try await rig.submit("c", to: calls, function: other)
            await calls.functionDeleted(AsyncRig.hello)
            for id in ["a", "b"] {
                let entry = try #require(try await calls.entry(id))
                #expect(entry.state == .dead && entry.status == 404)
                #expect(entry.error == "The function hello.demo was deleted.")
            }
            rig.functions.withLock { $0 = [:] }
            await #expect(throws: HubError.self) { try await calls.retry("a") }
            await #expect(throws: HubError.self) { try await rig.submit("d", to: calls) }
        }
        // Deleted while no hub ran.
        try await rig.with { calls in try await rig.wait("c", .dead, in: calls) }
    }

    @Test func noMoreRunAtOnceThanTheFunctionTakes() async throws {
        let rig = try AsyncRig()
        let ids = (0..<30).map { "c\($0)" }
        rig.held.withLock { $0 = Set(ids) }
        try await rig.with { calls in
            for id in ids { try await rig.submit(id, to: calls) }
            for number in 0..<30 {
                try await eventually("two run") { rig.handedIDs.count == min(30, number + 2) }
                #expect(await calls.attempts.count <= 2)
                rig.held.withLock { _ = $0.remove(ids[number]) }
                try await rig.wait(ids[number], .succeeded, in: calls)
            }
        }
        // First come, first served; two that start together may be handed over in either order.
        for (place, id) in rig.handedIDs.enumerated() { #expect(abs((Int(id.dropFirst()) ?? 99) - place) <= 1) }
    }

    @Test func whatWaitsHasABound() async throws {
        let rig = try AsyncRig()
        rig.functions.withLock { $0 = [AsyncRig.hello: 0, AsyncPartsTests.other: 0] }
        var options = AsyncRig.options
        options.mostWaiting = 3
        options.mostBytes = 3_000
        try await rig.with(options) { calls in
            for id in ["a", "b", "c"] { try await rig.submit(id, to: calls) }
            let full = await #expect(throws: HubError.self) { try await rig.submit("d", to: calls) }
            #expect(full?.status == 429 && full?.retryAfter == 5)
            let large = String(repeating: "x", count: 2_980)
            try await rig.submit("e", to: calls, body: large, function: AsyncPartsTests.other)
            let tooLarge = await #expect(throws: HubError.self) {
                try await rig.submit("f", to: calls, body: large, function: AsyncPartsTests.other)
            }
            #expect(tooLarge?.status == 429)
            _ = try await calls.cancel("e")
            try await rig.submit("f", to: calls, body: large, function: AsyncPartsTests.other)
            _ = try await calls.cancel("a")
            try await rig.submit("d", to: calls, body: "")
            #expect(try await calls.entry("a")?.state == .canceled)
            let text = await calls.metricsText()
            #expect(text.contains("osiris_async_queue_length{function_name=\"hello.demo\"} 3\n"))
            #expect(text.contains("osiris_async_calls_total{function_name=\"hello.demo\",state=\"canceled\"} 1\n"))
            #expect(text.contains("osiris_async_oldest_seconds{function_name=\"hello.demo\"} "))
        }
    }
}
