import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// A plan for programs, format version 1: sorted keys, two spaces for each level, no line break at the end.
///
/// `source` is the place of what set a change off, be it in another resource.
/// A key that does not apply is left out: `before` and `after` of an absent value, `source` of a change without a place.
/// Null is JSON's `null`. A value known only after apply is `{"$unknown": true}`, at any depth, and a secret is the text
/// `(secret)`; a map that could be mistaken for the former is written inside `{"$map": …}`.
public enum PlanJSON {
    /// The value of `formatVersion`: raised when a key changes its meaning or goes away, not when one is added.
    public static let formatVersion = 1

    /// The whole document.
    public static func render(_ plan: Plan) -> String { Value.map(document(plan)).prettyJSONText }

    /// What changed outside osiris, in the form of a plan without changes: only what is recorded against what is there,
    /// and for each what apply would do about it.
    public static func drift(_ plan: Plan) -> String {
        var document = document(plan)
        (document["changes"], document["rollout"]) = ([], nil)
        document["summary"] = .map(["create": 0, "update": 0, "replace": 0, "delete": 0, "noop": .int(plan.noopCount)])
        return Value.map(document).prettyJSONText
    }

    private static func document(_ plan: Plan) -> [String: Value] {
        var counts: [Action: Int] = [.noop: plan.noopCount]
        for change in plan.changes { counts[change.action, default: 0] += 1 }
        var summary: [String: Value] = [
            "create": .int(counts[.create] ?? 0), "update": .int(counts[.update] ?? 0),
            "replace": .int(counts[.replace] ?? 0), "delete": .int(counts[.delete] ?? 0),
            "noop": .int(counts[.noop] ?? 0),
        ]
        if let moves = counts[.move] { summary["move"] = .int(moves) }
        var document: [String: Value] = [
            "formatVersion": .int(formatVersion), "cluster": .string(plan.cluster),
            "lineage": .string(plan.lineage), "serial": .int(plan.serial),
            "manifestDigest": .string(plan.manifestDigest), "summary": .map(summary),
            "changes": .list(plan.changesAtCause.map(change)), "drift": .list(drift(of: plan)),
            "setAside": .list(setAside(plan)),
        ]
        document["rollout"] = plan.rollout.map(RolloutText.value)
        return document
    }

    private static func change(_ change: ResourceChange) -> Value {
        var entries: [String: Value] = [
            "address": .string(change.address.text), "provider": .string(change.provider),
            "type": .string(String(change.address.type)), "target": .string(String(change.address.target)),
            "action": .string(change.action.rawValue), "reason": .string(change.reason.text),
            "attributes": .list(change.attributes.map(attribute)),
        ]
        if let source = change.source {
            entries["source"] = [
                "file": .string(source.file), "line": .int(source.start.line), "column": .int(source.start.column),
            ]
        }
        if let move = change.moved { entries["movedFrom"] = .string(move.from.text) }
        return .map(entries)
    }

    private static func setAside(_ plan: Plan) -> [Value] {
        plan.setAside.map { fault in
            var entries: [String: Value] = [
                "address": .string(fault.root.text), "code": .string(fault.code.rawValue),
                "message": .string(fault.message),
            ]
            if let help = fault.help { entries["help"] = .string(help) }
            if fault.isWanted { entries["wanted"] = true }
            return .map(entries)
        }
    }

    private static func attribute(_ change: AttributeChange) -> Value {
        var entries: [String: Value] = [
            "path": .string(change.path), "forcesReplacement": .bool(change.forcesReplacement),
        ]
        if let before = change.before { entries["before"] = before.publicValue }
        if let after = change.after { entries["after"] = after.publicValue }
        return .map(entries)
    }

    private static func drift(of plan: Plan) -> [Value] {
        let changes = Dictionary(plan.changes.map { ($0.address, $0) }) { first, _ in first }
        return plan.drift.map { drift($0, changes[$0.address]) }
    }

    private static func drift(_ drift: ResourceDrift, _ change: ResourceChange?) -> Value {
        let attributes = drift.attributes.map { change -> Value in
            var entries: [String: Value] = ["path": .string(change.path)]
            if let recorded = change.before { entries["recorded"] = recorded.publicValue }
            if let actual = change.after { entries["actual"] = actual.publicValue }
            return .map(entries)
        }
        return [
            "address": .string(drift.address.text), "gone": .bool(drift.gone), "attributes": .list(attributes),
            "consequence": .string(DriftText.consequence(drift, change)),
        ]
    }
}

extension Value {
    /// The value as anybody may see it: secrets redacted, references as the unknown values they still are.
    var publicValue: Value {
        switch self {
        case .secret: .string(ValueText.secret)
        case .reference, .joined: .unknown
        case .list(let items): .list(items.map(\.publicValue))
        case .map(let entries): .map(entries.mapValues(\.publicValue))
        default: self
        }
    }
}
