import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// What the page shows, as JSON. All values are text already, made by the same code as the plan for terminals: the page
/// decides nothing about secrets, unknown values or control characters.
struct PageData {
    private let plan: Plan
    private let map: ResourceMap
    private let timeline: ApplyTimeline?
    private let madeAt: Date
    private let lines: ManifestLines
    private let chains: CauseChains

    init(
        _ plan: Plan, _ map: ResourceMap, _ sources: [String: String], _ timeline: ApplyTimeline?, madeAt: Date
    ) {
        self.plan = plan
        self.map = map
        self.timeline = timeline
        self.madeAt = madeAt
        lines = ManifestLines(sources)
        chains = CauseChains(plan)
    }

    var value: Value {
        var counts: [String: Value] = ["noop": .int(plan.noopCount)]
        for action in Action.byRisk { counts[action.rawValue] = .int(plan.count(action)) }
        let summary = timeline?.summary
        var sentences = summary.map { [SummaryText.headline($0)] } ?? []
        sentences += [PlanText.summary(plan)] + PlanText.meanwhile(plan)
        if !plan.refusals.isEmpty { sentences.append("Apply refuses this plan.") }
        var page: [String: Value] = [
            "cluster": text(plan.cluster), "mode": .string(plan.mode.rawValue),
            "time": .string(Timestamp.render(madeAt)), "counts": .map(counts),
            "sentences": .list(sentences.map(text)),
            "faults": .list(
                (plan.refusals + (plan.faults + (summary?.diagnostics ?? [])).sortedForDisplay()).map(fault)),
            "changes": .list(plan.changesAtCause.map(change)), "drift": .list(drift()),
            "targets": .list(targets()),
        ]
        if let summary { page["complete"] = .bool(summary.isComplete) }
        if let timeline { page["timeline"] = TimelineData(timeline, plan).value }
        return .map(page)
    }

    private func text(_ text: String) -> Value { .string(PrintableText.escaped(text)) }

    private func fault(_ diagnostic: Diagnostic) -> Value {
        var entries: [String: Value] = [
            "severity": .string(diagnostic.severity.rawValue), "code": .string(diagnostic.code.rawValue),
            "message": text(diagnostic.message),
        ]
        entries["help"] = diagnostic.help.map(text)
        entries["place"] = diagnostic.span.map { .string($0.fileAndLine) }
        return .map(entries)
    }

    private func change(_ change: ResourceChange) -> Value {
        var entries: [String: Value] = [
            "address": text(change.address.text), "action": .string(change.action.rawValue),
            "reason": text(change.reason.text), "attributes": .list(change.shownAttributes.map(attribute)),
        ]
        if let source = change.source {
            entries["place"] = .string(source.fileAndLine)
            if let line = lines[source] { entries["line"] = text(line) }
        }
        if let move = change.moved { entries["from"] = text(move.from.text) }
        let chain = chains.chain(to: change)
        if chain.count > 1 { entries["chain"] = .list(chain.map { text($0.address.text) }) }
        let consequences = chains.consequences(of: change.address)
        if !consequences.isEmpty { entries["takes"] = .list(consequences.map { text($0.text) }) }
        return .map(entries)
    }

    private func attribute(_ attribute: AttributeChange) -> Value {
        var entries: [String: Value] = ["path": text(attribute.path)]
        if attribute.forcesReplacement { entries["forces"] = true }
        let difference = DifferenceText(columns: .max, lineLimit: nil, shortens: false)
        if case .below(let lines) = difference.lines(before: attribute.before, after: attribute.after, created: false) {
            entries["lines"] = .list(lines.map { [.string(String($0.mark)), .string($0.text)] })
        } else if case .secret? = attribute.before, case .secret? = attribute.after {
            entries["after"] = .string(ValueText.changedSecret)
        } else {
            entries["before"] = attribute.before.map { .string(ValueText.inline($0)) }
            entries["after"] = attribute.after.map { .string(ValueText.inline($0)) }
        }
        return .map(entries)
    }

    private func drift() -> [Value] {
        let changes = Dictionary(plan.changes.map { ($0.address, $0) }) { first, _ in first }
        return plan.drift.map { drift in
            [
                "address": text(drift.address.text), "gone": .bool(drift.gone),
                "consequence": text(DriftText.consequence(drift, changes[drift.address])),
                "attributes": .list(drift.attributes.map(attribute)),
            ]
        }
    }

    private func targets() -> [Value] {
        map.targets.map { target in
            [
                "name": text(target.name),
                "domains": .list(
                    target.domains.map { domain in
                        [
                            "name": text(domain.name),
                            "machines": .list(
                                domain.machines.map { machine in
                                    [
                                        "root": text(machine.root.text),
                                        "resources": .list(machine.resources.map { text($0.text) }),
                                    ]
                                }),
                        ]
                    }),
            ]
        }
    }
}

extension ResourceChange {
    /// Its differences, or what a deleted object was.
    var shownAttributes: [AttributeChange] {
        guard action == .delete else { return attributes }
        return prior.sorted { $0.key < $1.key }.map { AttributeChange(path: $0.key, before: $0.value, after: nil) }
    }
}

/// Lines of manifest files. Each file is split once.
struct ManifestLines {
    private let files: [String: [Substring]]

    init(_ sources: [String: String]) {
        files = sources.mapValues { text in
            text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        }
    }

    /// The first line of a place, without the blanks around it and at most 200 characters; nil if it is not known.
    subscript(span: SourceSpan) -> String? {
        guard let lines = files[span.file], lines.indices.contains(span.start.line - 1) else { return nil }
        let line = lines[span.start.line - 1].drop { $0 == " " || $0 == "\t" }
        return line.count > 200 ? line.prefix(199) + "…" : String(line)
    }
}
