import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner

/// The keys of each event.
enum EventJSON {
    static func entries(_ event: ApplyEvent) -> [String: Value] {
        switch event {
        case .started(let operations): ["event": "apply-started", "operations": .int(operations)]
        case .operationStarted(let address, let kind): operation("operation-started", address, kind)
        case .progress(let address, let step):
            ["event": "operation-progress", "address": .string(address.text), "message": .string(step)]
        case .retrying(let address, let reason, let attempt, let delay):
            [
                "event": "operation-retrying", "address": .string(address.text), "reason": .string(reason),
                "attempt": .int(attempt), "delayMilliseconds": .int(delay.inMilliseconds),
            ]
        case .operationSucceeded(let address, let kind, let took):
            operation("operation-succeeded", address, kind, ["milliseconds": .int(took.inMilliseconds)])
        case .operationFailed(let address, let kind, let diagnostic):
            operation("operation-failed", address, kind, ["diagnostic": DiagnosticJSON.value(diagnostic)])
        case .operationSkipped(let address, let kind, let because):
            operation("operation-skipped", address, kind, ["because": .string(because.text)])
        case .rollout(let step): rollout(step)
        case .stopping(let reason, let running, let remaining):
            [
                "event": "apply-stopping", "reason": .string(reason.rawValue), "running": .int(running),
                "remaining": .int(remaining),
            ]
        case .finished(let summary): finished(summary)
        }
    }

    private static func operation(
        _ event: String, _ address: ResourceAddress, _ kind: PlannedOperation.Kind, _ more: [String: Value] = [:]
    ) -> [String: Value] {
        var entries = more
        entries["event"] = .string(event)
        entries["address"] = .string(address.text)
        entries["action"] = .string(kind.rawValue)
        return entries
    }

    private static func finished(_ summary: ApplySummary) -> [String: Value] {
        var succeeded: [String: Value] = [:]
        for kind in [PlannedOperation.Kind.create, .update, .delete, .forget] {
            succeeded[kind.rawValue] = .int(summary.succeeded[kind] ?? 0)
        }
        if let moves = summary.succeeded[.move] { succeeded[PlannedOperation.Kind.move.rawValue] = .int(moves) }
        var entries: [String: Value] = [
            "event": "apply-finished", "complete": .bool(summary.isComplete), "succeeded": .map(succeeded),
            "failed": .int(summary.failed), "skipped": .int(summary.skipped),
            "remaining": .list(summary.remaining.map { .string($0.text) }),
            "milliseconds": .int(summary.took.inMilliseconds),
            "diagnostics": .list(summary.diagnostics.map(DiagnosticJSON.value)),
        ]
        if !summary.setAside.isEmpty { entries["setAside"] = .list(summary.setAside.map { .string($0.text) }) }
        if !summary.leftAlone.isEmpty { entries["leftAlone"] = .list(summary.leftAlone.map { .string($0.text) }) }
        if !summary.failedMachines.isEmpty {
            entries["failedMachines"] = .list(
                summary.failedMachines.map {
                    [
                        "machine": .string($0.root.text), "address": .string($0.address.text),
                        "end": .string($0.end.rawValue),
                    ]
                })
        }
        if let stopped = summary.stopped { entries["stopped"] = .string(stopped.rawValue) }
        return entries
    }
}

/// A diagnostic as JSON; a key that does not apply is left out.
public enum DiagnosticJSON {
    /// `severity`, `code`, `message`, `address`, `file`, `line`, `column`, `endLine`, `endColumn`, `help`.
    public static func value(_ diagnostic: Diagnostic) -> Value {
        var entries: [String: Value] = [
            "severity": .string(diagnostic.severity.rawValue), "code": .string(diagnostic.code.rawValue),
            "message": .string(diagnostic.message),
        ]
        if let address = diagnostic.address { entries["address"] = .string(address) }
        if let span = diagnostic.span {
            entries["file"] = .string(span.file)
            entries["line"] = .int(span.start.line)
            entries["column"] = .int(span.start.column)
            entries["endLine"] = .int(span.end.line)
            entries["endColumn"] = .int(span.end.column)
        }
        if let help = diagnostic.help { entries["help"] = .string(help) }
        return .map(entries)
    }
}
