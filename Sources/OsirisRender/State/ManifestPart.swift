import OsirisModel

/// The part of a manifest that would declare resources which exist and are not wanted: what `adopt` prints.
public enum ManifestPart {
    /// Functions as entries of `spec.functions`, everything else as a remark; empty text for no resources.
    /// - Parameter records: those that the manifest does not want, by address.
    public static func render(_ records: [ResourceRecord]) -> String {
        var text = ""
        let functions = Dictionary(grouping: records.filter { $0.type == "function" }) { record in
            Entry(
                attributes: record.attributes.filter { $0.key != "version" && $0.key != "source" },
                source: record.attributes["source"]?.stringValue)
        }
        if !functions.isEmpty { text += "spec:\n  functions:\n" }
        for (entry, members) in functions.sorted(by: { $0.value[0].address < $1.value[0].address }) {
            text += Self.function(entry, targets: Set(members.map { String($0.address.target) }).sorted())
        }
        let others = Dictionary(grouping: records.filter { $0.type != "function" }) { String($0.address.target) }
        for (target, members) in others.sorted(by: { $0.key < $1.key }) {
            let names = members.map { "\($0.type) \($0.address.name)" }.sorted()
            let more = names.count > 6 ? " and \(names.count - 6) more" : ""
            text += "# Under spec.targets, in target `\(PrintableText.escaped(target))`: "
            text += PrintableText.escaped(names.prefix(6).joined(separator: ", ")) + more + "\n"
        }
        return text
    }

    private struct Entry: Hashable {
        var attributes: Attributes
        var source: String?
    }

    private static func function(_ entry: Entry, targets: [String]) -> String {
        var lines: [String] = []
        for key in ["name", "namespace", "runtime"] {
            if let value = entry.attributes[key] { lines.append("\(key): \(inline(value))") }
        }
        if let source = entry.source { lines.append("source: .  # the folder whose digest is \(source)") }
        for (key, value) in entry.attributes.sorted(by: { $0.key < $1.key })
        where !["name", "namespace", "runtime"].contains(key) {
            // Only digests of secrets are known: their values have to be given again.
            let isSecret = key == "secrets" || value.isSecret
            let names = value.mapValue.map { $0.keys.sorted().joined(separator: ", ") } ?? key
            lines.append(
                isSecret ? "# secrets to give again: \(PrintableText.escaped(names))" : "\(key): \(inline(value))")
        }
        lines.append("placement: {targets: [\(targets.joined(separator: ", "))]}")
        return "    - " + lines.joined(separator: "\n      ") + "\n"
    }

    /// As JSON, which is YAML too (https://yaml.org/spec/1.2.2/#12-yaml-history).
    private static func inline(_ value: Value) -> String {
        var hidden = value
        hidden = hidden.publicValue
        return hidden.jsonText
    }
}
