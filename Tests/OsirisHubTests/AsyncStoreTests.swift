import Foundation
import Synchronization
import Testing

@testable import OsirisHub

/// What is kept of calls, for how long, and at what cost.
struct AsyncStoreTests {
    /// Stores nothing while its gate is shut.
    private struct GatedStore: CallStore {
        let real: any CallStore
        let isOpen: @Sendable () -> Bool

        func commit(_ changes: [CallChange]) async throws {
            while !isOpen() { try await Task.sleep(for: .milliseconds(2)) }
            try await real.commit(changes)
        }
        func entry(_ id: String) async throws -> CallEntry? { try await real.entry(id) }
        func open() async throws -> [CallEntry] { try await real.open() }
        func request(_ id: String) async throws -> CallRequest? { try await real.request(id) }
        func result(_ id: String) async throws -> CallResult? { try await real.result(id) }
        func list(_ query: CallQuery) async throws -> [CallEntry] { try await real.list(query) }
        func namespaces() async throws -> [String] { try await real.namespaces() }
        func sweep(_ keeping: CallKeeping, now: Double) async throws -> Bool {
            try await real.sweep(keeping, now: now)
        }
        func close() async throws { try await real.close() }
    }

    private static func gated(_ isOpen: @escaping @Sendable () -> Bool) -> (any CallStore) -> any CallStore {
        { GatedStore(real: $0, isOpen: isOpen) }
    }

    @Test func twoHundredSubmitsShareTwoTransactions() async throws {
        let rig = try AsyncRig()
        rig.functions.withLock { $0 = [AsyncRig.hello: 0] }
        let isOpen = Mutex(false)
        try await rig.with(wrap: Self.gated { isOpen.withLock { $0 } }) { calls in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 { group.addTask { try await rig.submit("c\(number)", to: calls) } }
                // The first one leads a transaction of its own, which waits; all others gather meanwhile.
                try await eventually("all wait") { await calls.commits.waitingCount == 199 }
                isOpen.withLock { $0 = true }
                try await group.waitForAll()
            }
            #expect(await calls.commits.transactions == 2)
            #expect(try await calls.list(CallQuery(namespaces: ["demo"], limit: 1_000)).count == 200)
        }
    }

    /// A kill would undo it, and there is no result yet.
    @Test func anEndIsToldOnceItIsStored() async throws {
        let rig = try AsyncRig()
        rig.held.withLock { $0 = ["slow"] }
        let isOpen = Mutex(true)
        try await rig.with(wrap: Self.gated { isOpen.withLock { $0 } }) { calls in
            try await rig.submit("slow", to: calls)
            try await eventually("slow runs") { rig.handedIDs == ["slow"] }
            isOpen.withLock { $0 = false }
            rig.held.withLock { $0 = [] }
            try await eventually("its end is on its way to the store") { await calls.storing["slow"] != nil }
            let entry = try #require(try await calls.entry("slow"))
            #expect(entry.state == .running)
            #expect(try await calls.list(CallQuery(namespaces: ["demo"], limit: 9)).map(\.state) == [.running])
            let early = await #expect(throws: HubError.self) { try await calls.result(entry) }
            #expect(early?.code == "no_result")
            let late = await #expect(throws: HubError.self) { try await calls.cancel("slow") }
            #expect(late?.code == "ended")
            isOpen.withLock { $0 = true }
            try await rig.wait("slow", .succeeded, in: calls)
            let ended = try #require(try await calls.entry("slow"))
            #expect(try await calls.result(ended).status == 200)
        }
    }

    @Test func resultsAndRecordsGoWithTime() async throws {
        let rig = try AsyncRig()
        let time = Mutex(1_000_000.0)
        var options = AsyncRig.options
        options.now = { time.withLock { $0 } }
        options.keeping = CallKeeping(results: 100, records: 500, most: 1_000)
        try await rig.with(options) { calls in
            rig.statuses.withLock { $0 = ["dead": [500]] }
            try await rig.submit("done", to: calls)
            try await rig.submit("dead", to: calls, retries: 0)
            try await rig.wait("done", .succeeded, in: calls)
            try await rig.wait("dead", .dead, in: calls)
            rig.functions.withLock { $0 = [AsyncRig.hello: 0] }
            try await rig.submit("queued", to: calls)
            let entry = try #require(try await calls.entry("done"))
            time.withLock { $0 += 99 }
            try await calls.sweep()
            #expect(try await calls.result(entry).status == 200)
            time.withLock { $0 += 2 }
            try await calls.sweep()
            let expired = await #expect(throws: HubError.self) { try await calls.result(entry) }
            #expect(expired?.status == 410)
            #expect(try await calls.entry("done")?.state == .succeeded)
            time.withLock { $0 += 400 }
            try await calls.sweep()
            #expect(try await calls.entry("done") == nil)
            #expect(try await calls.entry("dead") == nil)
            #expect(try await calls.store.request("dead") == nil)
            #expect(try await calls.entry("queued")?.state == .queued)
            #expect(try await calls.store.request("queued") != nil)
        }
    }

    @Test func thereIsAMostOfRecordsAndOfResults() async throws {
        let rig = try AsyncRig()
        var options = AsyncRig.options
        options.keeping.most = 20
        options.keeping.resultBytes = 5
        try await rig.with(options) { calls in
            for number in 0..<30 {
                try await rig.submit("c\(number)", to: calls)
                try await rig.wait("c\(number)", .succeeded, in: calls)
            }
            try await calls.sweep()
            let kept = try await calls.list(CallQuery(namespaces: ["demo"], limit: 100))
            #expect(kept.map(\.id) == (10..<30).reversed().map { "c\($0)" })
            #expect(try await calls.store.result("c29") == nil)
        }
    }

    @Test func synchronousCallsLeaveARecord() async throws {
        let rig = try AsyncRig()
        let now = Date().timeIntervalSince1970.rounded()
        func note(_ id: String, status: Int) -> CallEntry {
            var entry = CallEntry(id: id, function: AsyncRig.hello, isAsync: false, created: now)
            entry.answered(status, seconds: 0.25)
            return entry
        }
        try await rig.with { calls in
            try await rig.submit("mine", to: calls)
            for (id, status) in [("a", 200), ("b", 500), ("a", 404), ("mine", 200)] {
                calls.notes.add(note(id, status: status))
            }
            let list = try await calls.list(CallQuery(namespaces: ["demo"], limit: 100))
            #expect(list.map(\.id) == ["a", "b", "mine"])
            #expect(list.map(\.isAsync) == [false, false, true])
            #expect(list[0].status == 404 && list[0].state == .failed && list[0].seconds == 0.25)
            let before = CallQuery(namespaces: ["demo"], before: "b", limit: 100)
            #expect(try await calls.list(before).map(\.id) == ["mine"])
            #expect(try await calls.list(CallQuery(namespaces: [], limit: 100)).isEmpty)
            calls.notes.add(note("last", status: 200))
        }
        // The last ones are stored at an orderly end.
        try await rig.with { calls in
            let last = try await calls.entry("last")
            #expect(last?.status == 200)
        }
    }

    @Test func manyNotesAreStoredByThemselves() async throws {
        let rig = try AsyncRig()
        let now = Date().timeIntervalSince1970
        try await rig.with { calls in
            for number in 0..<1_200 {
                var entry = CallEntry(id: "n\(number)", function: AsyncRig.hello, isAsync: false, created: now)
                entry.answered(200, seconds: 1)
                calls.notes.add(entry)
            }
            try await eventually("all are stored") { try await calls.store.entry("n1199") != nil }
            try await eventually("none is kept in memory") { calls.notes.first(1).isEmpty }
            print("1,200 records took \(await calls.commits.transactions) transactions")
            #expect(await calls.commits.transactions <= 120)
        }
    }

    @Test func aCallbackIsSentUntilItArrives() async throws {
        let rig = try AsyncRig()
        try await TestListener.with(answers: [.init(status: 503), .init(status: 500), .init(status: 200)]) { listener in
            try await rig.with { calls in
                try await rig.submit("a", to: calls, callback: listener.url + "/done")
                try await eventually("it is told") {
                    try await calls.entry("a")?.callback?.state == .delivered
                }
                let callback = try #require(try await calls.entry("a")?.callback)
                #expect(callback.attempts == 3 && callback.lastStatus == 200)
            }
            let received = try listener.received()
            #expect(received.count == 3)
            for message in received {
                #expect(message.path == "/done" && message.body == "hi")
                #expect(message.headers["x-call-id"] == "a" && message.headers["content-type"] == "text/plain")
                #expect(message.headers["x-function-status"] == "200")
                #expect(message.headers["x-function-name"] == "hello.demo")
                #expect(Double(message.headers["x-duration-seconds"] ?? "") != nil)
                #expect(Int(message.headers["x-start-time"] ?? "") != nil)
            }
        }
    }

    @Test func aCallbackSurvivesTheHubAndIsGivenUpInTheEnd() async throws {
        let rig = try AsyncRig()
        var slow = AsyncRig.options
        slow.schedule = RetrySchedule(base: 600, most: 600)
        var last = AsyncRig.options
        last.mostCallbacks = 4
        try await TestListener.with(answers: [.init(status: 503)]) { listener in
            try await rig.with(slow) { calls in
                try await rig.submit("a", to: calls, callback: listener.url)
                try await eventually("it was tried") { try await calls.entry("a")?.callback?.attempts == 1 }
            }
            last.now = { Date().timeIntervalSince1970 + 601 }
            try await rig.with(last) { calls in
                try await eventually("it is given up") { try await calls.entry("a")?.callback?.state == .failed }
                let callback = try #require(try await calls.entry("a")?.callback)
                #expect(callback.attempts == 4 && callback.lastStatus == 503 && callback.error == "Answered 503.")
            }
            #expect(try listener.received().count == 4)
        }
    }
}
