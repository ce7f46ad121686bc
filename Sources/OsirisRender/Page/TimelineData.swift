import OsirisModel
import OsirisPlanner

/// The timeline of an apply as the page has it: times in seconds since its beginning.
struct TimelineData {
    private let timeline: ApplyTimeline
    private let path: CriticalPath

    init(_ timeline: ApplyTimeline, _ plan: Plan) {
        self.timeline = timeline
        path = CriticalPath(timeline, plan)
    }

    var value: Value {
        [
            "seconds": .double(rounded(timeline.seconds)),
            "parallelism": .int(timeline.parallelism), "operations": .list(timeline.measured.map(operation)),
            "marks": .list(timeline.marks.map { ["at": .double(rounded($0.at)), "text": text($0.text)] }),
            "skipped": .list(
                timeline.skipped.map { ["address": text($0.address.text), "because": text($0.because.text)] }),
            "critical": .list(
                path.steps.map { step in
                    [
                        "operation": .int(step.span), "wait": .string(step.wait.rawValue),
                        "idle": .double(rounded(step.idle)),
                    ]
                }),
        ]
    }

    private func operation(_ span: ApplyTimeline.Span) -> Value {
        var entries: [String: Value] = [
            "address": text(span.address.text), "action": .string(span.kind?.rawValue ?? "put back"),
            "start": .double(rounded(span.start)), "end": .double(rounded(span.end)),
            "outcome": .string(span.outcome.rawValue), "retries": .int(span.retries),
        ]
        entries["fault"] = span.fault.map(text)
        return .map(entries)
    }

    private func text(_ text: String) -> Value { .string(PrintableText.escaped(text)) }

    private func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
