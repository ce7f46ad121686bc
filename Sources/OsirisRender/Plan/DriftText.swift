import OsirisModel
import OsirisPlanner

/// The section of a plan about what changed outside osiris, and what apply does about it.
struct DriftText {
    var style: TextStyle
    var verbosity: PlanText.Verbosity

    func append(_ plan: Plan, to text: inout String) {
        guard !plan.drift.isEmpty else { return }
        text += style.paint("Changed outside osiris since the last apply, recorded → actual:", .bold) + "\n\n"
        for block in blocks(plan) { text += block }
        if verbosity == .concise { text += "\n" }
    }

    /// One text for each resource, or for many that drifted alike.
    func blocks(_ plan: Plan) -> [String] {
        guard !plan.drift.isEmpty else { return [] }
        let drifted = Set(plan.drift.map(\.address))
        var changes: [ResourceAddress: ResourceChange] = [:]
        for change in plan.changes where drifted.contains(change.address) { changes[change.address] = change }
        let consequences = plan.drift.map { Self.consequence($0, changes[$0.address]) }
        return entries(plan.drift, consequences).map { entry in
            var text = ""
            append(entry, to: &text)
            return text
        }
    }

    private struct Entry {
        var drift: [ResourceDrift]
        var consequence: String
    }

    private struct Key: Hashable {
        var group: String
        var gone: Bool
        var attributes: [AttributeChange]
        var consequence: String
    }

    private func entries(_ drift: [ResourceDrift], _ consequences: [String]) -> [Entry] {
        var order: [Key] = []
        var members: [Key: [ResourceDrift]] = [:]
        for (item, consequence) in zip(drift, consequences) {
            let key = Key(
                group: item.address.group, gone: item.gone, attributes: item.attributes, consequence: consequence)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(item)
        }
        let entries = order.flatMap { key in
            let items = members[key]!
            return verbosity != .verbose && items.count > PlanText.foldLimit
                ? [Entry(drift: items, consequence: key.consequence)]
                : items.map { Entry(drift: [$0], consequence: key.consequence) }
        }
        return entries.sorted { $0.drift[0].address < $1.drift[0].address }
    }

    private func append(_ entry: Entry, to text: inout String) {
        let first = entry.drift[0]
        var title = PrintableText.escaped(first.address.text)
        if entry.drift.count > 1, let last = entry.drift.last {
            let names = [first, last].map { PrintableText.escaped(String($0.address.name)) }
            title =
                PrintableText.escaped(first.address.group)
                + ".…  \(entry.drift.count.counted("resource")): \(names.joined(separator: " … "))"
        }
        let gone = entry.drift.count > 1 ? " are gone" : " is gone"
        let lines = PrintableText.wrapped(title + (first.gone ? gone : ""), to: style.width - 6)
        text += "  " + style.paint("!", .yellow) + " " + lines[0] + "\n"
        for line in lines.dropFirst() { text += "      " + line + "\n" }
        let writer = ChangeText(style: style, verbosity: verbosity)
        if verbosity != .concise { writer.appendAttributes(first.attributes, created: false, to: &text) }
        for line in PrintableText.wrapped(entry.consequence, to: style.width - 6) {
            text += "      " + style.paint(line, .dim) + "\n"
        }
        if verbosity != .concise { text += "\n" }
    }

    /// What apply does about it, in one sentence.
    static func consequence(_ drift: ResourceDrift, _ change: ResourceChange?) -> String {
        guard let change else {
            return drift.gone
                ? "apply leaves it as it is" : "apply only records it: the manifest asks for nothing else"
        }
        switch (change.action, drift.gone) {
        case (.delete, true): return "apply forgets it: it is no longer wanted"
        case (.delete, false): return "apply deletes it"
        case (_, true): return "apply creates it again"
        case (.replace, false): return "apply replaces it"
        case (.create, false): return "apply creates it anew: what it lives on is made anew"
        case (.move, false): return "apply only records it: the manifest asks for nothing else"
        case (.noop, _): return "apply leaves it as it is"
        case (.update, false): break
        }
        var (back, other, kept): ([String], [String], [String]) = ([], [], [])
        let planned = Dictionary(change.attributes.map { ($0.path, $0) }) { first, _ in first }
        for attribute in drift.attributes {
            let path = PrintableText.escaped(attribute.path)
            let field = String(attribute.path.prefix { $0 != "." })
            switch planned[attribute.path] ?? planned[field] {
            case let hit? where hit.path != attribute.path:
                // All of a mapping went, or comes: its keys are told one by one here, and as one there.
                if hit.after?.mapValue?[String(attribute.path.dropFirst(field.count + 1))] == attribute.before {
                    back.append(path)
                } else {
                    other.append(path)
                }
            case let hit? where hit.after == attribute.before: back.append(path)
            // A computed value: it follows from the update, nobody sets it.
            case let hit? where hit.after == .unknown: continue
            case .some: other.append(path)
            case nil: kept.append(path)
            }
        }
        var parts: [String] = []
        if !back.isEmpty { parts.append("sets \(list(back)) back") }
        if !other.isEmpty { parts.append("sets \(list(other)) to what the manifest says now") }
        if !kept.isEmpty { parts.append("only records \(list(kept))") }
        return parts.isEmpty ? "apply updates it" : "apply " + list(parts)
    }

    private static func list(_ items: [String]) -> String {
        guard items.count > 1 else { return items.first ?? "" }
        return items.dropLast().joined(separator: ", ") + " and " + items[items.count - 1]
    }
}
