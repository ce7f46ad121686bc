import Foundation
import OsirisModel
import OsirisTransport
import Synchronization
import Testing

@testable import OsirisHub

/// What is kept of a log, and who gets which lines.
@Suite struct LogTests {
    static func with(_ test: (FunctionLog, _ path: String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "osiris-log-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await test(FunctionLog(path: folder + "/f.log"), folder + "/f.log")
    }

    @Test func aLineComesBackAsItWas() throws {
        let texts = ["", "plain", #"{"t":1,"m":"forged"}"#, "a\u{1}\"\\\u{7F}é\u{202E}", "tab\there"]
        for text in texts {
            let line = LogLine(time: 1_795_266_170.1234, instance: "abcd1234", call: "c-1", text: text)
            let kept = line.kept
            #expect(!kept.contains(0x0A))
            var back = LogLine(kept: kept)
            #expect(back.time == 1_795_266_170.123)
            back.time = line.time
            #expect(back == line)
        }
        let note = LogLine(time: 5, text: "note")
        #expect(String(decoding: note.kept, as: UTF8.self) == #"{"m":"note","t":5.0}"#)
        #expect(LogLine(kept: note.kept) == note)
    }

    @Test func linesOfAnEarlierHubAreShownWithUnknownTime() async throws {
        try await Self.with { log, path in
            let old = ["Traceback:", #"{"t":"soon","m":"x"}"#, "{not json", #"{"m":"no time"}"#, ""]
            try old.map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)
            log.append(Array("new".utf8), Redaction(), instance: "i", call: nil)
            let lines = try await log.lines(LogQuery())
            #expect(lines.map(\.text) == old + ["new"])
            #expect(lines.map { $0.time == nil } == [true, true, true, true, true, false])
            #expect(try await log.lines(LogQuery(since: 1)).map(\.text) == ["new"])
        }
    }

    @Test func logsByCallAreExactlyThatCallsLines() async throws {
        try await Self.with { log, _ in
            await withTaskGroup(of: Void.self) { group in
                for call in 0..<100 {
                    group.addTask {
                        for line in 0..<20 {
                            log.append(
                                Array("line \(line) of \(call), not \"c\":\"call-1\"".utf8), Redaction(),
                                instance: "inst\(call % 8)", call: "call-\(call)")
                            await Task.yield()
                        }
                    }
                }
            }
            for call in [0, 1, 10, 99] {
                let lines = try await log.lines(LogQuery(tail: 10_000, call: "call-\(call)"))
                #expect(lines.map(\.text) == (0..<20).map { "line \($0) of \(call), not \"c\":\"call-1\"" })
                #expect(Set(lines.map(\.instance)) == ["inst\(call % 8)"])
            }
            #expect(try await log.lines(LogQuery(tail: 10_000, call: "call-")).isEmpty)
            #expect(try await log.lines(LogQuery(tail: 10_000, instance: "inst3")).count == 20 * 13)
            #expect(
                try await log.lines(LogQuery(tail: 3, call: "call-7")).map(\.text).last?.hasPrefix("line 19") == true)
        }
    }

    @Test func aFollowerGetsEveryLineOnceAlsoThoseAtItsStart() async throws {
        try await Self.with { log, _ in
            let writer = Task {
                for number in 0..<1_000 {
                    log.append(Array("\(number)".utf8), Redaction(), instance: "i", call: nil)
                    if number % 50 == 0 { try await Task.sleep(for: .milliseconds(2)) }
                }
            }
            try await eventually("some lines are there") { try await !log.lines(LogQuery()).isEmpty }
            let (first, follower) = try await log.follow(LogQuery(tail: 10_000))
            var texts = first.map(\.text)
            try await writer.value
            log.end()
            try await follower.each { texts += $0.map(\.text) }
            #expect(texts == (0..<1_000).map(String.init))
            log.unfollow(follower)
            #expect(log.followers == 0)
            await #expect(throws: HubError.shuttingDown) { _ = try await log.follow(LogQuery()) }
        }
    }

    @Test func aSlowFollowerIsToldWhatItMissed() async throws {
        try await Self.with { log, _ in
            let (_, follower) = try await log.follow(LogQuery())
            // 400 KB, of which 256 KiB wait.
            for _ in 0..<100 { follower.offer(LogLine(time: 1, text: String(repeating: "x", count: 4096))) }
            log.end()
            var lines: [LogLine] = []
            try await follower.each { lines += $0 }
            #expect(lines.count == 64 + 1)
            #expect(lines.last?.text == "[36 lines dropped: read faster]")
        }
    }

    @Test func noMoreThanTheBoundFollow() async throws {
        try await Self.with { log, _ in
            var followers: [LogFollower] = []
            for _ in 0..<FunctionLog.mostFollowers { followers.append(try await log.follow(LogQuery()).follower) }
            await #expect(throws: HubError.self) { _ = try await log.follow(LogQuery()) }
            log.unfollow(followers[0])
            _ = try await log.follow(LogQuery())
        }
    }

    // MARK: Over HTTP

    static var chatty: TestFunction {
        .python("chatty", "def handle(word='x'):\n    print(word)\n    return word\n", ["scale": ["min": 1, "max": 2]])
    }

    /// Follows until the task is cancelled; what came is in `text`.
    final class Following: Sendable {
        let text = Mutex("")

        func run(_ hub: TestHub, _ query: String, path: String = "/system/logs", token: String = "read") async throws {
            let request = HTTPRequest(
                "GET", "http://127.0.0.1:\(hub.client.port)\(path)?\(query)",
                headers: [HTTPHeader("Authorization", "Bearer \(token)")], timeout: .seconds(60),
                receive: { piece in self.text.withLock { $0 += String(decoding: piece, as: UTF8.self) } })
            _ = try await HTTPClient().send(request)
        }

        func wait(for word: String) async throws {
            try await eventually("it got \(word)") { text.withLock { $0.contains(word) } }
        }
    }

    @Test func followStreamsNewLinesAndEndsWithItsCaller() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(Self.chatty)
            _ = try await hub.client.call("chatty", #"{"word":"first"}"#)
            let followers = (0..<20).map { _ in Following() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for follower in followers {
                    group.addTask { try? await follower.run(hub, "name=chatty&namespace=demo&follow=true") }
                }
                for follower in followers { try await follower.wait(for: "first\n") }
                _ = try await hub.client.call("chatty", #"{"word":"second"}"#)
                for follower in followers { try await follower.wait(for: "second\n") }
                let metrics = try await hub.client.send("GET", "/metrics").text
                #expect(metrics.contains("osiris_followers 20\n"))
                group.cancelAll()
            }
            try await eventually("nobody follows any more") {
                try await hub.client.send("GET", "/metrics").text.contains("osiris_followers 0\n")
            }
            for follower in followers { #expect(follower.text.withLock { $0.hasSuffix("first\nsecond\n") }) }
        }
    }

    @Test func logsByCallOverHTTPAreExactlyThatCallsLines() async throws {
        try await TestHub.with { hub in
            let code = """
                import time
                def handle(number):
                    for line in range(20):
                        print("line", line, "of", number)
                        if line % 5 == 0: time.sleep(0.001)
                """
            _ = try await hub.client.put(.python("many", code, ["scale": ["min": 2, "max": 8]]))
            try await hub.client.wait(for: "many")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await hub.client.call(
                            "many", #"{"number":\#(number)}"#, headers: ["X-Call-Id": "call-\(number)"]
                        ).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            for number in 0..<100 {
                let wanted = (0..<20).map { "line \($0) of \(number)\n" }.joined()
                for path in [
                    "/v1/calls/call-\(number)/logs", "/v1/calls/call-\(number)/logs?namespace=demo&name=many",
                    "/system/logs?namespace=demo&name=many&tail=10000&call=call-\(number)",
                ] {
                    #expect(try await hub.client.send("GET", path, token: "read").text == wanted)
                }
            }
        }
    }

    @Test func followEndsWithTheFunctionAndWithTheHub() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ended = Following()
        var task: Task<Void, any Error>?
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(Self.chatty)
            let other = Following()
            let deleted = Task { try await other.run(hub, "name=chatty&namespace=demo&follow=true") }
            try await eventually("it follows") {
                try await hub.client.send("GET", "/metrics").text.contains("osiris_followers 1\n")
            }
            _ = try await hub.client.send(
                "DELETE", "/system/functions", body: #"{"functionName":"chatty","namespace":"demo"}"#)
            try await deleted.value
            _ = try await hub.client.put(Self.chatty)
            _ = try await hub.client.call("chatty", #"{"word":"last"}"#)
            task = Task { try await ended.run(hub, "name=chatty&namespace=demo&follow=true") }
            try await ended.wait(for: "last")
        }
        try await task?.value
    }

    @Test func linesAsJSONAndWhatIsRefused() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(Self.chatty)
            _ = try await hub.client.call("chatty", #"{"word":"<b>\"ä\""}"#)
            let answer = try await hub.client.send("GET", "/system/logs?name=chatty&namespace=demo&format=json&tail=1")
            #expect(answer.headers["content-type"] == "application/x-ndjson")
            #expect(answer.json["text"] as? String == #"<b>"ä""#)
            #expect(answer.json["name"] as? String == "chatty")
            #expect((answer.json["instance"] as? String)?.count == 8)
            let timestamp = try #require(answer.json["timestamp"] as? String)
            #expect(try Date(timestamp, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) < Date())
            let soon = Date().timeIntervalSince1970 + 60
            let none = try await hub.client.send("GET", "/system/logs?name=chatty&namespace=demo&since=\(soon)")
            #expect(none.text.isEmpty)
            let all = try await hub.client.send("GET", "/system/logs?name=chatty&namespace=demo&since=10m")
            #expect(all.text == "<b>\"ä\"\n")
            for query in ["tail=-1", "tail=x", "since=x", "format=xml", "follow=1"] {
                let path = "/system/logs?name=chatty&namespace=demo&" + query
                #expect(try await hub.client.send("GET", path).code == "bad_request", "\(query)")
            }
            #expect(try await hub.client.send("GET", "/v1/calls/c/logs", token: "invoke").status == 403)
            #expect(try await hub.client.send("GET", "/v1/calls/none/logs", token: "read").text.isEmpty)
            #expect(try await hub.client.send("GET", "/v1/calls/c/logs?name=none&namespace=demo").status == 404)
        }
    }
}
