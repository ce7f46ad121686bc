import Foundation
import OsirisEngine
import Testing

@testable import OsirisRender

@Suite struct ApplyLinesTests {
    @Test func plainLines() {
        let sink = Sink()
        PlainOutput(sink: sink.write).play()
        Golden.expect(sink.text, "apply.plain.txt")
    }

    @Test func jsonLines() throws {
        let sink = Sink()
        JSONOutput(sink: sink.write).play()
        Golden.expect(sink.text, "apply.jsonl")
        var byEvent: [String: [String: Any]] = [:]
        for line in sink.text.split(separator: "\n") {
            let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let event = try #require(object["event"] as? String)
            let time = try #require(object["time"] as? String)
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
            byEvent[event] = object
        }
        #expect(
            Set(byEvent.keys) == [
                "apply-started", "operation-started", "operation-progress", "operation-retrying",
                "operation-succeeded", "operation-failed", "operation-skipped", "apply-stopping", "apply-finished",
                "still-running",
            ])
        let started = try #require(byEvent["operation-started"])
        #expect(Set(started.keys) == ["time", "event", "address", "action"])
        let diagnostic = try #require(byEvent["operation-failed"]?["diagnostic"] as? [String: Any])
        #expect(
            Set(diagnostic.keys) == [
                "severity", "code", "message", "address", "file", "line", "column", "endLine", "endColumn", "help",
            ])
        let finished = try #require(byEvent["apply-finished"])
        #expect(finished["failed"] as? Int == 1 && finished["complete"] as? Bool == false)
    }

    @Test func noGapIsLongerThanTenSeconds() throws {
        for make in [{ PlainOutput(sink: $0) as any TimedOutput }, { JSONOutput(sink: $0) as any TimedOutput }] {
            let spoken = Sink()
            let output = make(spoken.write)
            output.observe(.started(operations: 1), at: EventScript.start)
            output.observe(.operationStarted(EventScript.hub1, .create), at: EventScript.start)
            var count = spoken.texts.count
            var last = 0.0
            for half in 1...240 {
                output.tick(at: EventScript.start + Double(half) / 2)
                if spoken.texts.count > count {
                    #expect(Double(half) / 2 - last <= 10)
                    (count, last) = (spoken.texts.count, Double(half) / 2)
                }
            }
            #expect(last >= 110)
        }
    }

    @Test func summaries() {
        var stopped = ApplySummary()
        stopped.succeeded = [.create: 1200, .delete: 3, .forget: 4]
        stopped.stopped = .deadline
        stopped.remaining = (1...130).map { Sample.address("fleet/hub.m\(1000 + $0)") }
        stopped.took = .seconds(1200)
        var complete = ApplySummary()
        complete.succeeded = [.create: 3, .update: 1]
        complete.took = .milliseconds(4200)
        var cancelled = EventScript.summary
        cancelled.stopped = .cancelled
        var lost = ApplySummary()
        lost.stopped = .lockLost
        lost.remaining = [EventScript.hub1]
        let texts = [complete, EventScript.summary, stopped, cancelled, lost].map {
            SummaryText.render($0, style: TextStyle())
        }
        Golden.expect(texts.joined(separator: "----------\n"), "summaries.txt")
    }

    @Test func theOwnersTickAndEnd() async throws {
        let sink = Sink()
        let view = LiveView(plan: EventScript.plan, style: TextStyle(), sink: sink.write)
        view.observe(.started(operations: 4), at: Date())
        while !sink.text.contains("Applying") { try await Task.sleep(for: .milliseconds(20)) }
        await view.end()
        #expect(sink.text.hasSuffix("\u{1B}[?25h"))
        let count = sink.texts.count
        try await Task.sleep(for: .milliseconds(250))
        #expect(sink.texts.count == count)
        let lines = PlainLines(sink: sink.write)
        lines.observe(.started(operations: 1), at: Date())
        await lines.end()
        #expect(sink.text.hasSuffix("applying 1 operation\n"))
    }
}
