import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner
import Synchronization

@testable import OsirisRender

/// A small apply as events with their times in seconds.
enum EventScript {
    static let start = Date(timeIntervalSince1970: 1_770_091_200)
    static let hub1 = Sample.address("rack-a/hub.r1-n01")
    static let hub2 = Sample.address("rack-a/hub.r1-n02")
    static let function1 = Sample.address("rack-a/function.r1-n01.demo.hello")
    static let function2 = Sample.address("rack-a/function.r1-n02.demo.hello")

    static let plan = Sample.plan([
        Sample.change(hub1.text, .update, .manifestChanged(["version"]), line: 6),
        Sample.change(hub2.text, .create, .added, line: 6),
        Sample.createdFunction(function1.text, parent: hub1.text),
        Sample.createdFunction(function2.text, parent: hub2.text),
    ])

    static let fault = Diagnostic(
        .operationFailed, "`rack-a/hub.r1-n02`: POST /v1/start answered 507: no space left on /var",
        at: Sample.span(6), address: hub2.text, help: "free some space on r1-n02")

    static var summary: ApplySummary {
        var summary = ApplySummary()
        summary.succeeded = [.update: 1, .create: 1]
        (summary.failed, summary.skipped) = (1, 1)
        summary.diagnostics = [fault]
        summary.took = .milliseconds(31_400)
        return summary
    }

    static let events: [(after: Double, event: ApplyEvent)] = [
        (0, .started(operations: 4)),
        (0, .operationStarted(hub1, .update)),
        (0.1, .operationStarted(hub2, .create)),
        (1, .progress(hub1, "waiting for /ready")),
        (1.5, .progress(hub1, "waiting for /ready")),
        (2, .retrying(hub2, reason: "throttled\u{1B}[31m", attempt: 1, delay: .seconds(4))),
        (14, .operationSucceeded(hub1, .update, took: .seconds(14))),
        (14, .operationStarted(function1, .create)),
        (20, .operationFailed(hub2, .create, fault)),
        (20, .operationSkipped(function2, .create, because: hub2)),
        (31, .stopping(.interrupted, running: 1, remaining: 0)),
        (31.4, .operationSucceeded(function1, .create, took: .milliseconds(17_400))),
        (31.4, .finished(summary)),
    ]
}

/// Collects what is written.
final class Sink: Sendable {
    private let parts = Mutex<[String]>([])

    func write(_ text: String) { parts.withLock { $0.append(text) } }
    var texts: [String] { parts.withLock { $0 } }
    var text: String { texts.joined() }
}

extension TimedOutput {
    /// Plays the script with a tick every half second of it.
    func play(_ events: [(after: Double, event: ApplyEvent)] = EventScript.events) {
        var clock = 0.0
        for (after, event) in events {
            while clock < after {
                tick(at: EventScript.start + clock)
                clock += 0.5
            }
            observe(event, at: EventScript.start + after)
        }
        end()
    }
}
