import OsirisModel
import OsirisPlanner

/// Writes entries of a plan: symbol and address, reason and place, attributes.
struct ChangeText {
    var style: TextStyle
    var verbosity: PlanText.Verbosity
    /// To name what else changes because of a change; nil to leave that out.
    var chains: CauseChains?

    private static let indent = 6

    func append(_ entry: ChangeEntry, to text: inout String) {
        let action = entry.changes[0].action
        let symbol = String(repeating: " ", count: 3 - action.symbol.utf8.count) + action.symbol
        let (name, detail) = title(entry)
        text += style.paint("\(symbol) \(name)", action.paint)
        let because = "because " + PrintableText.escaped(entry.reason) + (entry.place.map { " at " + $0 } ?? "")
        let used = 4 + PrintableText.width(name)
        if entry.isFolded {
            appendWrapped(detail, after: used, to: &text)
        } else if verbosity == .concise, used + 2 + PrintableText.width(because) <= style.width {
            text += "  " + style.paint(because, .dim) + "\n"
            return
        }
        text += "\n"
        appendIndented(because, to: &text)
        if let rename = entry.rename { appendIndented(rename, to: &text) }
        guard verbosity != .concise else { return }
        if let along = takenAlong(entry) { appendIndented(along, to: &text) }
        appendAttributes(attributes(entry), created: action == .create, to: &text)
        text += "\n"
    }

    private func title(_ entry: ChangeEntry) -> (name: String, detail: String) {
        let first = entry.changes[0].address
        guard entry.isFolded, let last = entry.changes.last?.address else {
            return (PrintableText.escaped(first.text), "")
        }
        let names = [first, last].map { PrintableText.escaped(String($0.name)) }.joined(separator: " … ")
        return (PrintableText.escaped(first.group) + ".…", "\(entry.changes.count.counted("resource")): \(names)")
    }

    /// The resources that change because this one does.
    private func takenAlong(_ entry: ChangeEntry) -> String? {
        guard let chains else { return nil }
        let along = entry.changes.flatMap { chains.consequences(of: $0.address) }
        if along.isEmpty { return nil }
        let names = along.map { PrintableText.escaped($0.text) }
        if entry.isFolded { return "takes along \(Set(along).count.counted("resource"))" }
        if verbosity == .verbose || names.count <= 3 { return "takes along " + names.joined(separator: ", ") }
        return "takes along " + names.prefix(2).joined(separator: ", ") + " and \((names.count - 2).grouped) more"
    }

    private func appendWrapped(_ detail: String, after used: Int, to text: inout String) {
        if used + 2 + PrintableText.width(detail) <= style.width {
            text += "  " + detail
        } else {
            let lines = PrintableText.wrapped(detail, to: style.width - Self.indent)
            for line in lines { text += "\n" + String(repeating: " ", count: Self.indent) + line }
        }
    }

    private func appendIndented(_ long: String, to text: inout String) {
        for line in PrintableText.wrapped(long, to: style.width - Self.indent) {
            text += String(repeating: " ", count: Self.indent) + style.paint(line, .dim) + "\n"
        }
    }

    /// What is listed below the reason.
    private func attributes(_ entry: ChangeEntry) -> [AttributeChange] {
        let change = entry.changes[0]
        switch change.action {
        case .create: return entry.isFolded ? [] : entry.attributes
        case .delete:
            guard verbosity == .verbose else { return [] }
            return change.prior.sorted { $0.key < $1.key }.map {
                AttributeChange(path: $0.key, before: $0.value, after: nil)
            }
        case .update, .replace, .noop, .move: return entry.attributes
        }
    }

    /// One line for each attribute, the values aligned.
    func appendAttributes(_ attributes: [AttributeChange], created: Bool, to text: inout String) {
        let labels = attributes.map { PrintableText.escaped($0.path) + ":" }
        let longest = style.width / 3
        let column = labels.lazy.map { PrintableText.width($0) }.filter { $0 <= longest }.max() ?? 0
        for (attribute, label) in zip(attributes, labels) {
            let mark = attribute.forcesReplacement && !created ? " (forces replacement)" : ""
            let labelWidth = PrintableText.width(label)
            // A label that is too long has its value on the next line.
            let broken = labelWidth > longest && labelWidth + 30 > style.width - Self.indent
            let start = Self.indent + (broken ? 4 : max(column, labelWidth) + 1)
            let difference = DifferenceText(
                columns: max(24, style.width - start - mark.utf8.count),
                lineLimit: verbosity == .verbose ? nil : 8, shortens: verbosity != .verbose)
            text += String(repeating: " ", count: Self.indent)
            // What becomes unknown in a folded entry was different things before.
            let fresh = created || (attribute.before == nil && attribute.after == .unknown)
            switch difference.lines(before: attribute.before, after: attribute.after, created: fresh) {
            case .line(let line):
                text += broken ? label + "\n" + String(repeating: " ", count: start) : label
                if !broken { text += String(repeating: " ", count: start - Self.indent - labelWidth) }
                text += line + style.paint(mark, .red) + "\n"
            case .below(let lines):
                text += label + style.paint(mark, .red) + "\n"
                for (sign, line) in lines {
                    let paint: Paint = sign == "+" ? .green : sign == "-" ? .red : .dim
                    let marked = line.isEmpty ? (sign == " " ? "" : String(sign)) : "\(sign) \(line)"
                    text +=
                        (marked.isEmpty ? "" : String(repeating: " ", count: Self.indent + 4))
                        + style.paint(marked, paint) + "\n"
                }
            }
        }
    }
}
