import OsirisModel

/// What the state remembers, for people.
public enum StateText {
    /// All resources: address, provider, and why the last operation did not finish where it did not.
    public static func list(_ records: [ResourceRecord], style: TextStyle = TextStyle()) -> String {
        guard !records.isEmpty else { return "The state has no resources.\n" }
        let records = records.sorted { $0.address < $1.address }
        let hasIncomplete = records.contains { $0.incomplete != nil }
        let rows = records.map { record in
            [record.address.text, record.provider]
                + (hasIncomplete ? [record.incomplete.map { "incomplete: \($0)" } ?? ""] : [])
        }
        let headings = ["ADDRESS", "PROVIDER"] + (hasIncomplete ? ["STATUS"] : [])
        return TextTable.render(headings, rows, style: style) + records.count.counted("resource") + "\n"
    }

    /// One resource with all its attributes, one on each line; maps are opened, secrets redacted.
    public static func show(_ record: ResourceRecord, style: TextStyle = TextStyle()) -> String {
        var text = style.paint(PrintableText.escaped(record.address.text), .bold) + "\n"
        var facts: [(String, String)] = [("provider", PrintableText.escaped(record.provider))]
        if let parent = record.parent { facts.append(("lives on", PrintableText.escaped(parent.text))) }
        if let source = record.source { facts.append(("declared at", source.fileAndLine)) }
        for need in record.dependsOn { facts.append(("needs", PrintableText.escaped(need.text))) }
        if let why = record.incomplete { facts.append(("incomplete", PrintableText.escaped(why))) }
        facts = facts.flatMap { label, text in
            // What has no spaces is there to be copied and stays whole.
            PrintableText.wrapped(text, to: max(text.contains(" ") ? 20 : text.utf8.count, style.width - 16))
                .enumerated().map { ($0 == 0 ? label : "", $1) }
        }
        text += lines(facts)
        guard !record.attributes.isEmpty else { return text }
        var attributes: [(String, String)] = []
        for (name, value) in record.attributes.sorted(by: { $0.key < $1.key }) {
            flatten(PrintableText.escaped(name), value, into: &attributes)
        }
        return text + "\n" + style.paint("attributes", .bold) + "\n" + lines(attributes)
    }

    /// Rows under headings, such as the time, command and result of runs of the past.
    ///
    /// - Parameter rows: each as long as `headings`; a shorter one leaves columns empty.
    public static func table(_ headings: [String], _ rows: [[String]], style: TextStyle = TextStyle()) -> String {
        TextTable.render(headings, rows, style: style)
    }

    private static func flatten(_ path: String, _ value: Value, into lines: inout [(String, String)]) {
        guard case .map(let entries) = value, !entries.isEmpty else {
            lines.append((path, ValueText.inline(value)))
            return
        }
        for (key, item) in entries.sorted(by: { $0.key < $1.key }) {
            flatten("\(path).\(PrintableText.escaped(key))", item, into: &lines)
        }
    }

    private static func lines(_ facts: [(label: String, text: String)]) -> String {
        let column = facts.map { PrintableText.width($0.label) }.max() ?? 0
        return facts.map {
            "  " + PrintableText.padded($0.label + ($0.label.isEmpty ? "" : ":"), to: column + 1) + " \($0.text)\n"
        }.joined()
    }
}
