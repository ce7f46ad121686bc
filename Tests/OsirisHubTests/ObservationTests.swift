import Foundation
import Logging
import OsirisModel
import Synchronization
import Testing

@testable import OsirisHub

/// Series, usage and events.
@Suite struct ObservationTests {
    static let function = FunctionName(namespace: "demo", name: "f")

    static func report(_ status: Int = 200, seconds: Double = 0.01, caller: String = "invoke") -> CallReport {
        CallReport(function: function, caller: caller, status: status, seconds: seconds, bytesIn: 10, bytesOut: 20)
    }

    static func store(_ test: (ObservationStore, _ path: String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "osiris-usage-" + UUID().uuidString + ".db"
        defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
        try await test(ObservationStore.open(path: path), path)
    }

    @Test func seriesCountByMinuteAndForgetAfterAnHour() {
        var series = CallSeries()
        let start = 1_795_266_000.0  // a whole minute
        for number in 0..<100 {
            series.add(Self.report(number < 10 ? 502 : 200, seconds: Double(number + 1) / 100), at: start + 30)
        }
        series.add(Self.report(429), at: start + 61)
        let minutes = series.minutes(of: Self.function, last: 60, at: start + 61)
        #expect(minutes.map(\.t) == [1_795_266_000, 1_795_266_060])
        #expect(minutes.map(\.calls) == [100, 1])
        #expect(minutes.map(\.errors) == [10, 0])
        // To a tenth, never below.
        #expect((0.5...0.56).contains(minutes[0].p50) && (0.99...1.1).contains(minutes[0].p99))
        #expect(series.minutes(of: Self.function, last: 1, at: start + 61).map(\.calls) == [1])
        #expect(series.total(of: Self.function, last: 60, at: start + 61).calls == 1)
        #expect(series.total(of: Self.function, last: 300, at: start + 61) == (101, 10))
        #expect(series.minutes(of: Self.function, last: 60, at: start + 3600).map(\.calls) == [1])
        for minute in 0..<500 { series.add(Self.report(), at: start + Double(minute) * 60) }
        #expect(series.minutes(of: Self.function, last: 100_000, at: start + 499 * 60).count <= 61)
    }

    @Test func usageIsSummedUpAndKept() async throws {
        try await Self.store { store, path in
            var count = UsageCount()
            let hour = 1_795_266_000.0 - 1_795_266_000.0.truncatingRemainder(dividingBy: 3600)
            count.add(Self.report(), at: hour + 1)
            count.add(Self.report(500, seconds: 2), at: hour + 3599)
            count.add(Self.report(caller: "ci"), at: hour + 3600)
            let other = CallReport(
                function: FunctionName(namespace: "other", name: "g"), caller: "ci", status: 200, seconds: 1)
            count.add(other, at: hour)
            let taken = count.take()
            #expect(count.sums.isEmpty && taken.count == 3)
            try await store.add(taken, now: hour)
            // The same again: it is added to what is there.
            try await store.add(taken, now: hour)
            let all = try await store.usage(from: hour, to: hour + 7200, in: .init(), by: .function)
            #expect(all.map(\.name) == ["f", "g"] && all.map(\.namespace) == ["demo", "other"])
            #expect(all.map(\.calls) == [6, 2] && all.map(\.errors) == [2, 0])
            #expect(all[0].bytesIn == 60 && all[0].bytesOut == 120 && abs(all[0].seconds - 4.04) < 0.001)
            let callers = try await store.usage(from: hour, to: hour + 7200, in: .init(hidden: ["other"]), by: .caller)
            #expect(callers.map(\.caller) == ["ci", "invoke"] && callers.map(\.calls) == [2, 4])
            let hours = try await store.usage(from: hour, to: hour + 3600, in: .init(namespace: "demo"), by: .hour)
            #expect(hours.map(\.hour) == [Int(hour)] && hours.map(\.calls) == [4])
            try store.close()
            let again = try await ObservationStore.open(path: path)
            #expect(try await again.usage(from: 0, to: hour * 2, in: .init(), by: .function).count == 2)
            try await again.add([:], now: hour + ObservationStore.usageKept + 3601)
            let left = try await again.usage(from: 0, to: hour * 2, in: .init(), by: .hour)
            #expect(left.isEmpty)
            try again.close()
        }
    }

    @Test func whatCouldNotBeWrittenIsCountedLater() {
        var count = UsageCount()
        count.add(Self.report(), at: 7200)
        let taken = count.take()
        count.add(Self.report(), at: 7201)
        count.putBack(taken)
        #expect(count.take().values.map(\.calls) == [2])
    }

    @Test func eventsAreKeptUpToABoundWithIdsThatGrow() async throws {
        try await Self.store { store, path in
            func events(_ count: Int) -> [HubEvent] {
                (0..<count).map { HubEvent(.scaled, Self.function, version: $0, "to 1", time: Double($0)) }
            }
            try await store.add(events(30), keeping: 20)
            #expect(try await store.newestEvents(100, in: .init()).map(\.id) == Array(11...30))
            #expect(try await store.events(after: 12, in: .init(), count: 3).map(\.version) == [12, 13, 14])
            try await store.add([HubEvent(.ready, time: 1)], keeping: 20)
            let hidden = ObservationStore.Scope(hidden: ["demo"])
            #expect(try await store.newestEvents(100, in: hidden).map(\.kind) == [.ready])
            #expect(try await store.newestEvents(100, in: .init(namespace: "demo")).count == 19)
            try store.close()
            let again = try await ObservationStore.open(path: path)
            try await again.add(events(1), keeping: 20)
            #expect(try await again.newestEvents(1, in: .init()).map(\.id) == [32])
            try again.close()
        }
    }

    @Test func eventsTellTheStoryAndSurviveARestart() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func kinds(_ hub: TestHub) async throws -> [String] {
            let answer = try await hub.client.send("GET", "/system/events?count=1000", token: "read")
            let list = try JSONSerialization.jsonObject(with: answer.body) as? [[String: Any]] ?? []
            return list.compactMap { $0["kind"] as? String }
        }
        try await TestHub.with(folder: folder) { hub in
            let following = LogTests.Following()
            let task = Task { try? await following.run(hub, "follow=true", path: "/system/events") }
            try await following.wait(for: "hub-started")
            _ = try await hub.client.put(.python("f", "def handle(): return 1\n", ["scale": ["min": 1, "max": 2]]))
            try await hub.client.wait(for: "f")
            _ = try await hub.client.send("POST", "/system/scale-function/f?namespace=demo", body: #"{"replicas":2}"#)
            _ = try await hub.client.send(
                "DELETE", "/system/functions", body: #"{"functionName":"f","namespace":"demo"}"#)
            for word in ["deployed", "instance-started", "version-proven", "scaled", "deleted", "instance-ended"] {
                try await following.wait(for: #""kind":"\#(word)""#)
            }
            task.cancel()
            await task.value
            let lines = following.text.withLock { $0 }.split(separator: "\n")
            let ids = try lines.map { try JSONDecoder().decode(HubEvent.self, from: Data($0.utf8)).id }
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
            let last = try #require(ids.last)
            #expect(
                try await hub.client.send("GET", "/system/events?since=\(last - 1)").text.contains(#""id":\#(last),"#))
            #expect(try await hub.client.send("GET", "/system/events", token: "invoke").status == 403)
            try await eventually("nobody follows any more") {
                try await hub.client.send("GET", "/metrics").text.contains("osiris_followers 0\n")
            }
        }
        try await TestHub.with(folder: folder) { hub in
            try await eventually("the next hub started") { try await kinds(hub).count { $0 == "hub-started" } == 2 }
            let story = try await kinds(hub)
            #expect(story.contains("deployed") && story.contains("hub-stopping"))
        }
    }

    @Test func usageAndSeriesOverHTTP() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(
                .python("f", "def handle(bad=False):\n    if bad: raise ValueError('no')\n    return 'yes'\n"))
            for _ in 0..<3 { #expect(try await hub.client.call("f").status == 200) }
            #expect(try await hub.client.call("f", #"{"bad":true}"#).status == 500)
            let name = #"e"}%20evil"#.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            // Nobody deployed it: it is not counted, whatever the answer.
            _ = try await hub.client.send("POST", "/function/demo/\(name)", body: "no json")
            let series = try await hub.client.send("GET", "/system/series?minutes=5", token: "read").json
            let functions = try #require(series["functions"] as? [[String: Any]])
            let minutes = try #require(functions.first?["minutes"] as? [[String: Any]])
            #expect(minutes.reduce(0) { $0 + ($1["calls"] as? Int ?? 0) } == 4)
            #expect(minutes.reduce(0) { $0 + ($1["errors"] as? Int ?? 0) } == 1)
            #expect(try await hub.client.send("GET", "/system/series?minutes=61").code == "bad_request")
            #expect(try await hub.client.send("GET", "/system/usage?by=day").code == "bad_request")
            #expect(try await hub.client.send("GET", "/system/usage", token: "invoke").status == 403)
            let usage = try await hub.client.send("GET", "/system/usage?by=caller&from=2h", token: "read").json
            let row = try #require((usage["rows"] as? [[String: Any]])?.first)
            #expect(row["caller"] as? String == "admin" && row["calls"] as? Int == 4 && row["errors"] as? Int == 1)
        }
        // A hub later, and without the logs.
        try FileManager.default.removeItem(atPath: folder + "/logs")
        try await TestHub.with(folder: folder) { hub in
            let usage = try await hub.client.send("GET", "/system/usage?namespace=demo").json
            let row = try #require((usage["rows"] as? [[String: Any]])?.first)
            #expect(row["name"] as? String == "f" && row["calls"] as? Int == 4)
        }
    }

    @Test func theHubsOwnLogAsJSONLines() throws {
        let written = Mutex<[[UInt8]]>([])
        var logger = Logger(label: "hub") { label in
            JSONLogHandler(label: label) { line in written.withLock { $0.append(line) } }
        }
        logger[metadataKey: "kept"] = "always"
        logger.warning("a \"quoted\"\nline", metadata: ["port": "80"])
        let line = try #require(written.withLock { $0.first })
        #expect(line.last == 0x0A && line.count { $0 == 0x0A } == 1)
        let fields = try #require(try Value(plainJSON: line.dropLast()).mapValue)
        #expect(fields["message"] == "a \"quoted\"\nline" && fields["level"] == "warning")
        #expect(fields["data"] == ["kept": "always", "port": "80"])
    }
}
