import OsirisDiagnostics
import OsirisModel

extension Checker {
    /// Checks a scalar whose expressions are replaced.
    mutating func check(
        _ reading: ScalarReading, _ node: Node, _ type: FieldType, _ example: String?, _ secrets: SecretUse
    ) -> Checked {
        var reading = reading
        if let secret = reading.secret, case .refused = secrets {
            refuse(
                reading.secretPlace ?? node.place, .invalidExpression,
                "the secret variable `\(secret)` cannot be used in \(shownPath)",
                help:
                    "secrets may stand only under `env`, `secrets` and `secretFiles` of a function, and in `alerts` of the hub"
            )
            return Checked(content: .invalid, place: node.place)
        }
        if !reading.outputs.isEmpty { return outputs(of: reading, node, type) }
        if reading.isUntyped, !type.isTextual { reading.scalar = CoreSchema.resolve(reading.text) }
        switch (type, reading.scalar) {
        case (.string, .string): return string(reading, node, secrets)
        case (.bool, .bool(let flag)): return leaf(.bool(flag), node)
        case (.int(let range), .int(let number)):
            return range.contains(number) ? leaf(.int(number), node) : outOfRange(node, type, reading.text, example)
        case (.int, .hugeInt): return outOfRange(node, type, reading.text, example)
        case (.number(let range), .int(let number)):
            return range.contains(Double(number))
                ? leaf(.double(Double(number)), node) : outOfRange(node, type, reading.text, example)
        case (.number(let range), .float(let number)):
            return range.contains(number) ? leaf(.double(number), node) : outOfRange(node, type, reading.text, example)
        case (.duration, .string): return quantity(Quantities.milliseconds(reading.text), reading.text, node, type)
        case (.size, .string), (.size, .int): return quantity(Quantities.bytes(reading.text), reading.text, node, type)
        case (.duration, .int), (.duration, .float), (.duration, .hugeInt), (.size, .float), (.size, .hugeInt):
            return quantity(nil, reading.text, node, type)
        case (.percentOrCount, .int(let number)) where number >= 0: return leaf(.int(number), node)
        case (.percentOrCount, .string) where Quantities.percent(reading.text) != nil:
            return leaf(.string(reading.text), node)
        case (.percentOrCount, .string), (.percentOrCount, .int), (.percentOrCount, .float),
            (.percentOrCount, .hugeInt):
            return quantity(nil, reading.text, node, type)
        case (.name, .string): return name(reading.text, node)
        case (.choice(let choices), .string): return choice(reading.text, node, choices)
        case (.path(let kind), .string): return path(reading.text, node, kind)
        case (.any, _): return any(reading, node, secrets)
        default:
            return refuse(
                node, .wrongType, wrongType(type, found: reading.described), help: help(reading, type, example))
        }
    }

    func string(_ reading: ScalarReading, _ node: Node, _ secrets: SecretUse) -> Checked {
        if case .refused = secrets { return leaf(.string(reading.text), node) }
        if case .accepted = secrets, reading.secret == nil { return leaf(.string(reading.text), node) }
        return leaf(.secret(Secret(digest: secretDigest(reading.text), plaintext: reading.text)), node)
    }

    private func leaf(_ value: Value, _ node: Node) -> Checked { Checked(content: .leaf(value), place: node.place) }

    private mutating func any(_ reading: ScalarReading, _ node: Node, _ secrets: SecretUse) -> Checked {
        if reading.secret != nil { return string(reading, node, secrets) }
        switch reading.scalar {
        case .null: return leaf(.null, node)
        case .bool(let flag): return leaf(.bool(flag), node)
        case .int(let number): return leaf(.int(number), node)
        case .float(let number) where number.isFinite: return leaf(.double(number), node)
        case .string: return string(reading, node, secrets)
        case .float, .hugeInt:
            return refuse(
                node, .outOfRange, "\(shownPath) holds the number \(reading.text.ticked), which JSON cannot carry",
                help: "put it in quotes")
        }
    }

    private mutating func quantity(_ value: Int?, _ text: String, _ node: Node, _ type: FieldType) -> Checked {
        if let value { return leaf(.int(value), node) }
        return refuse(
            node, .invalidQuantity, "\(shownPath): \(text.ticked) is not \(type.described)",
            help: QuantityHelp.help(for: text, type))
    }

    private mutating func outOfRange(_ node: Node, _ type: FieldType, _ text: String, _ example: String?) -> Checked {
        refuse(
            node, .outOfRange, "\(shownPath) must be \(type.range), found \(text)", help: shown(example, type))
    }

    private mutating func name(_ text: String, _ node: Node) -> Checked {
        if Quantities.isLabel(text) { return leaf(.string(text), node) }
        let near = QuantityHelp.label(from: text)
        return refuse(
            node, .invalidName, "\(shownPath): \(text.ticked) is not a valid name",
            help: "use lower-case letters, digits and inner hyphens, at most 63"
                + (near.map { ", for example `\($0)`" } ?? ""))
    }

    private mutating func choice(_ text: String, _ node: Node, _ choices: [String]) -> Checked {
        if choices.contains(text) { return leaf(.string(text), node) }
        let near = Suggestion.didYouMean(text, among: choices).map { "did you mean `\($0)`?" }
        let list = choices.count == 1 ? choices.ticked() : "one of \(choices.ticked())"
        return refuse(
            node, ManifestRules.choiceCodes[schemaPath] ?? .invalidChoice,
            "\(shownPath) must be \(list), found \(text.ticked)",
            help: near ?? (choices.count == 1 ? "write `\(choices[0])`" : nil))
    }

    private mutating func path(_ text: String, _ node: Node, _ kind: FieldType.PathKind) -> Checked {
        if text.isEmpty || text.unicodeScalars.contains("\0") {
            return refuse(
                node, .wrongType,
                "\(shownPath) must be a path, found \(text.isEmpty ? "an empty string" : "a zero byte")", help: nil)
        }
        let wanted = kind == .folder ? "folder" : "file"
        let rebased = reader.sources[node.writtenAt ?? node.place].rebased(text)
        let found = files.kind(of: rebased)
        if found == kind || kind == .anything { return leaf(.string(rebased), node) }
        if found != nil {
            return refuse(
                node, .missingSource,
                "\(shownPath): \(text.ticked) is a \(found == .folder ? "folder" : "file"), not a \(wanted)",
                help: kind == .folder ? "name the folder it is in: `\(RelativePath.folder(of: text))`" : nil)
        }
        return refuse(
            node, .missingSource, "\(shownPath): there is no \(wanted) \(text.ticked)",
            help: files.nearest(to: rebased, kind).map { near in
                // As it would be written in that file.
                let folder = RelativePath.folder(of: text)
                let name = near.split(separator: "/").last ?? ""
                return "did you mean `\(folder == "." ? "" : folder + "/")\(name)`?"
            }
                ?? "paths start at the manifest's folder")
    }

    private func help(_ reading: ScalarReading, _ type: FieldType, _ example: String?) -> String? {
        if let variable = reading.variable, let wanted = type.variableType {
            return "declare the variable `\(variable)` with `type: \(wanted.rawValue)`"
        }
        switch (type, reading.scalar) {
        case (.bool, .string) where ["yes", "on", "y", "no", "off", "n"].contains(reading.text.lowercased()):
            let flag = ["yes", "on", "y"].contains(reading.text.lowercased())
            return "write `\(flag)`; `\(reading.text)` is plain text in YAML 1.2"
        case (.bool, .string), (.int, .string), (.number, .string):
            if reading.isQuoted, CoreSchema.resolve(reading.text) != .string { return "remove the quotes" }
        case (.string, .bool), (.string, .int), (.string, .float), (.string, .hugeInt), (.name, .int), (.choice, .int):
            return "put it in quotes: `\"\(reading.text)\"`"
        case (.string, .null) where path.last.isFreeKey: return "write `\"\"` for an empty text"
        case (_, .null) where path.last.isIndex: return "remove the item"
        case (.object, .null), (.map, .null): return "remove the key, or write `{}`"
        case (.list, .null): return "remove the key, or write `[]`"
        case (.list(.string), .string) where reading.secret == nil: return "write a list: `[\(reading.text)]`"
        default: break
        }
        return shown(example, type)
    }
}

extension Checker.Step? {
    fileprivate var isFreeKey: Bool { if case .freeKey? = self { true } else { false } }
    fileprivate var isIndex: Bool { if case .index? = self { true } else { false } }
}

extension ScalarReading {
    var described: String { scalar.described }
}
