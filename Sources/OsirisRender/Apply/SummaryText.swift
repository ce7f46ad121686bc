import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner

/// How an apply ended, for people: what was done, what failed and why, what is left, what to do now.
public enum SummaryText {
    private static let listed = 10

    /// The whole text, with a line break at its end.
    /// - Parameter diagnostic: renders one fault, such as with its source line; empty text leaves it to the caller.
    public static func render(
        _ summary: ApplySummary, style: TextStyle, diagnostic: ((Diagnostic) -> String)? = nil
    ) -> String {
        let diagnostic = diagnostic ?? { DiagnosticText.render($0, style: style) }
        var text = ""
        for fault in summary.diagnostics.sortedForDisplay() {
            let block = diagnostic(fault)
            if !block.isEmpty { text += block + "\n" }
        }
        if !summary.remaining.isEmpty {
            text += style.paint("Not started:", .bold) + "\n"
            for address in summary.remaining.prefix(listed) { text += "  \(PrintableText.escaped(address.text))\n" }
            if summary.remaining.count > listed {
                text += "  … and \((summary.remaining.count - listed).grouped) more\n"
            }
            text += "\n"
        }
        let paint: Paint = summary.isComplete ? .green : .boldRed
        for line in PrintableText.wrapped(headline(summary), to: style.width) {
            text += style.paint(line, paint) + "\n"
        }
        if let next = nextStep(summary) {
            for line in PrintableText.wrapped(next, to: style.width) { text += line + "\n" }
        }
        return text
    }

    /// One line: `Apply complete after 12s: 3 created, 1 updated.`
    public static func headline(_ summary: ApplySummary) -> String {
        var parts: [String] = []
        for kind in [PlannedOperation.Kind.create, .update, .move, .delete, .forget] {
            if let count = summary.succeeded[kind], count > 0 { parts.append("\(count.grouped) \(kind.done)") }
        }
        if parts.isEmpty { parts = ["nothing changed"] }
        if summary.failed > 0 { parts.append("\(summary.failed.grouped) failed") }
        if summary.skipped > 0 { parts.append("\(summary.skipped.grouped) skipped because what they need failed") }
        if !summary.remaining.isEmpty { parts.append("\(summary.remaining.count.grouped) not started") }
        let putBack = summary.failedMachines.count { $0.end == .putBack }
        if putBack > 0 { parts.append("\(putBack.counted("machine")) put back") }
        if !summary.setAside.isEmpty { parts.append("\(summary.setAside.count.grouped) set aside") }
        if !summary.leftAlone.isEmpty { parts.append("\(summary.leftAlone.count.grouped) left alone") }
        let verb = summary.mode == .destroy ? "Destroy" : "Apply"
        let end =
            switch summary.stopped {
            case nil: summary.isComplete ? "complete" : "incomplete"
            case .interrupted: "interrupted"
            case .cancelled: "cancelled"
            case .deadline: "stopped at its deadline"
            case .lockLost: "stopped, the lock was lost"
            }
        return "\(verb) \(end) after \(DurationText.render(summary.took)): \(parts.joined(separator: ", "))."
    }

    private static func nextStep(_ summary: ApplySummary) -> String? {
        let again = "`osiris \(summary.mode.rawValue)`"
        if summary.diagnostics.contains(where: { $0.code == .stateWrite }) {
            return
                "The state took no more: what has no result there stays open. Mend that, then run \(again) again: it "
                + "finds out what became of it first, and does the rest."
        }
        switch summary.stopped {
        case .lockLost:
            return "Another run holds the state now, and nothing was recorded since. "
                + "Wait for it to end, then run `osiris plan`."
        case .cancelled:
            return "What was cut off is looked up first by the next \(again), which does the rest."
        case .interrupted, .deadline:
            if summary.isComplete { return nil }
            return "What ran was finished and recorded; \(again) does the rest."
        case nil:
            if summary.failed == 0 && !summary.setAside.isEmpty {
                return "What was set aside is as it was. Mend the causes that the plan names, then run \(again) again."
            }
            guard summary.failed > 0 else { return nil }
            return "What was done is recorded. Mend the cause, then run \(again) again: it does only the rest."
        }
    }
}
