import Foundation
import Logging
import OsirisModel
import Synchronization
import Testing

@testable import OsirisHub

/// When an alert fires, ends and arrives.
@Suite struct AlertTests {
    typealias Trouble = Incidents.Trouble

    static let crash = Trouble(kind: .crashLoop, function: FunctionName(namespace: "demo", name: "f"))

    @Test func anIncidentBeginsAndEndsOnce() {
        var incidents = Incidents()
        var number = 0
        func look(_ troubles: [Trouble: String], _ now: Double) -> [String] {
            incidents.look(troubles, at: now) {
                number += 1
                return "i\(number)"
            }.map { $0.id + ($0.ended == nil ? " began" : " ended") }
        }
        #expect(look([Self.crash: "a"], 0) == ["i1 began"])
        // It looks well for a moment between two ends.
        for second in 1..<60 { #expect(look(second % 10 == 5 ? [Self.crash: "b"] : [:], Double(second)) == []) }
        #expect(look([:], 69) == [])
        #expect(look([:], 71) == ["i1 ended"])
        #expect(look([:], 72) == [])
        #expect(look([Self.crash: "c"], 80) == ["i2 began"])
        let down = Trouble(kind: .notReady)
        // A start takes a while: that is no trouble.
        for second in 100..<129 { #expect(look([Self.crash: "c", down: "d"], Double(second)) == []) }
        #expect(look([Self.crash: "c"], 129) == [])
        for second in 130..<160 { #expect(look([Self.crash: "c", down: "d"], Double(second)) == []) }
        #expect(look([Self.crash: "c", down: "d"], 160) == ["i3 began"])
    }

    @Test func anIncidentOfAnEarlierHubGoesOn() {
        let open = Incidents.Incident(id: "old", trouble: Self.crash, began: 1, message: "m")
        var incidents = Incidents(open: [open])
        #expect(incidents.look([Self.crash: "x"], at: 100) { "new" } == [])
        var later = Incidents(open: [open])
        #expect(later.look([:], at: 100) { "new" } == [])
        #expect(later.look([:], at: 114) { "new" } == [])
        #expect(later.look([:], at: 115) { "new" }.map(\.ended) == [115])
    }

    @Test func errorRatesCountOnlyWithEnoughCalls() {
        let rate = AlertConfig.ErrorRate(percent: 10, windowMs: 60_000, least: 20)
        let name = FunctionName(namespace: "demo", name: "f")
        for (calls, errors, fires) in [(19, 19, false), (20, 1, false), (20, 2, true), (100, 9, false), (0, 0, false)] {
            var look = Watch.Look(functions: [], readiness: Readiness(ready: true, waiting: []))
            look.rates = [rate: [name: (calls, errors)]]
            #expect(Watch.troubles(look).keys.contains { $0.kind == .errorRate } == fires, "\(errors) of \(calls)")
        }
    }

    @Test func theWatchTellsWhatChanged() {
        var watch = Watch()
        func kinds(_ ready: Bool, _ disk: (Int, Int)? = nil, end: Double? = nil) -> [HubEvent.Kind] {
            let look = Watch.Look(
                functions: [], readiness: Readiness(ready: ready, waiting: []), disk: disk.map { ($0.0, $0.1) },
                certificateEnd: end)
            return watch.news(look, at: 1000).map(\.kind)
        }
        #expect(kinds(false) == [.notReady])
        #expect(kinds(true, (100 << 30, 200 << 30)) == [.ready])
        #expect(kinds(true, (1 << 20, 200 << 30), end: 1000 + 15 * 86_400) == [.diskLow])
        #expect(kinds(true, (1 << 20, 200 << 30), end: 1000 + 13 * 86_400) == [.certificateExpiring])
        #expect(kinds(true, (1 << 20, 200 << 30), end: 1000 + 13 * 86_400) == [])
    }

    @Test func waitsDouble() {
        #expect((1...5).map(AlertMessage.wait(after:)) == [1, 2, 4, 8, 16])
        #expect(AlertMessage.wait(after: 100) == 300)
        // RFC 4231, test case 2.
        #expect(
            AlertMessage.signature("what do ya want for nothing?", secret: "Jefe")
                == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    /// Notes what is posted and answers from a list.
    final class Receiver: Sendable {
        let posts = Mutex<[Delivery.Message]>([])
        private let outcomes: Mutex<[Delivery.Outcome]>

        init(_ outcomes: [Delivery.Outcome]) { self.outcomes = Mutex(outcomes) }

        func take(_ message: Delivery.Message) -> Delivery.Outcome {
            posts.withLock { $0.append(message) }
            return outcomes.withLock { $0.isEmpty ? .delivered(status: 200) : $0.removeFirst() }
        }

        /// State and incident of each message, in order.
        var told: [String] {
            posts.withLock { posts in
                posts.map { post in
                    let fields = (try? Value(plainJSON: post.body))?.mapValue ?? [:]
                    return (fields["state"]?.stringValue ?? "?") + " " + (fields["kind"]?.stringValue ?? "?")
                }
            }
        }
    }

    static func alerts(_ store: ObservationStore, _ receiver: Receiver, on: [AlertConfig.Kind] = [.crashLoop])
        async throws -> Alerts
    {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await Alerts(
            [AlertConfig(url: "http://hook/", secret: "word", on: on)], cluster: "c", hub: "h", store: store,
            events: Events(store: store, logger: logger), logger: logger, post: { receiver.take($0) })
    }

    @Test func anAlertIsToldInOrderAndOnceForEachIncident() async throws {
        try await ObservationTests.store { store, _ in
            let receiver = Receiver([.failed(reason: "down", isFinal: false), .refused(status: 503, retryAfter: nil)])
            let alerts = try await Self.alerts(store, receiver)
            for second in 0..<10 {
                await alerts.look([Self.crash: "it ends", Trouble(kind: .notReady): "x"], at: Double(second))
                await alerts.deliver(at: Double(second))
            }
            // At 0, after 1 s and after 2 s more; nobody asked for not-ready.
            #expect(receiver.told == Array(repeating: "firing crash-loop", count: 3))
            for second in 10..<40 {
                await alerts.look([:], at: Double(second))
                await alerts.deliver(at: Double(second))
            }
            #expect(receiver.told.dropFirst(3) == ["resolved crash-loop"])
            let posts = receiver.posts.withLock { $0 }
            #expect(Set(posts.map { $0.headers.first { $0.name == "X-Osiris-Incident" }?.value }).count == 1)
            for post in posts {
                let body = String(decoding: post.body, as: UTF8.self)
                let signature = post.headers.first { $0.name == "X-Osiris-Signature" }?.value
                #expect(signature == AlertMessage.signature(body, secret: "word"))
                #expect(!body.contains("word"))
            }
            #expect(try await store.messages().isEmpty)
            #expect(try await store.openIncidents().isEmpty)
        }
    }

    @Test func whatWasNotDeliveredIsAfterARestart() async throws {
        try await ObservationTests.store { store, path in
            let deaf = Receiver(Array(repeating: .failed(reason: "down", isFinal: false), count: 100))
            let first = try await Self.alerts(store, deaf)
            await first.look([Self.crash: "it ends"], at: 1000)
            await first.deliver(at: 1000)
            #expect(deaf.told.count == 1)
            try store.close()
            let again = try await ObservationStore.open(path: path)
            let receiver = Receiver([])
            let second = try await Self.alerts(again, receiver)
            await second.look([Self.crash: "it still ends"], at: 1010)
            await second.deliver(at: 1010)
            #expect(receiver.told == ["firing crash-loop"])
            await second.look([:], at: 1100)
            await second.look([:], at: 1200)
            await second.deliver(at: 1200)
            #expect(receiver.told == ["firing crash-loop", "resolved crash-loop"])
            try again.close()
        }
    }

    @Test func anHourLaterItIsGivenUp() async throws {
        try await ObservationTests.store { store, _ in
            let deaf = Receiver(Array(repeating: .refused(status: 500, retryAfter: nil), count: 1000))
            let alerts = try await Self.alerts(store, deaf)
            for second in 0..<4000 {
                await alerts.look([Self.crash: "it ends"], at: Double(second))
                await alerts.deliver(at: Double(second))
            }
            #expect(try await store.messages().isEmpty)
            #expect(deaf.told.count < 30)
        }
    }

    @Test func aCrashLoopReachesTheWebhookOnce() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestListener.with(answers: [.init(status: 503), .init(status: 200)]) { listener in
            var config = try HubConfig.read(path: folder + "/hub.json")
            config.alerts = [AlertConfig(url: listener.url + "/hook", secret: "s3cret", on: [.crashLoop])]
            try Data(HubJSON.encode(config)).write(to: URL(fileURLWithPath: folder + "/hub.json"))
            chmod(folder + "/hub.json", 0o600)
            try await TestHub.with(folder: folder) { hub in
                _ = try await hub.client.put(.command("broken", "exit 3\n", ["alwaysOn": false]))
                try await hub.client.wait(for: "broken", "a crash loop") { $0.state == .crashLoop }
                try await eventually("it arrived at the second try") { try listener.received().count == 2 }
            }
            // The next hub sees the same trouble: it is the same incident.
            try await TestHub.with(folder: folder) { hub in
                try await hub.client.wait(for: "broken", "a crash loop") { $0.state == .crashLoop }
                // Two more looks of the watch.
                try await Task.sleep(for: Observation.interval * 2.5)
            }
            // A machine that takes long for the second crash loop tells the end of the first; what follows is another one.
            let received = try listener.received().prefix { $0.body.contains(#""state":"firing""#) }
            // At least once: one that arrives as the hub ends is sent again by the next.
            #expect((2...3).contains(received.count))
            #expect(Set(received.compactMap { $0.headers["x-osiris-incident"] }).count == 1)
            for message in received {
                let signature = message.headers["x-osiris-signature"]
                #expect(signature == AlertMessage.signature(message.body, secret: "s3cret"))
                #expect(message.body.contains(#""kind":"crash-loop""#) && message.body.contains(#""name":"broken""#))
            }
        }
    }
}
