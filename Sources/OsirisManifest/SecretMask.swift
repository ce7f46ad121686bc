import OsirisModel

/// Hides secrets that stand in a manifest's text before lines of it are shown.
struct SecretMask {
    /// By file and line: the columns to hide.
    private var hidden: [Int32: [Int32: [Range<Int32>]]] = [:]

    /// - Parameter roots: clusters and overlays, as written and as merged.
    init(_ roots: [Node]) {
        for root in roots {
            guard let spec = root[key: "spec"] else { continue }
            for part in [spec, spec[key: "patch"], spec[key: "add"]] { if let part { hideSecrets(of: part) } }
        }
    }

    private mutating func hideSecrets(of spec: Node) {
        for variable in spec[key: "variables"]?.entries ?? [] where variable.value[key: "secret"]?.isTrue == true {
            for entry in variable.value.entries where Suggestion.didYouMean(entry.key, among: ["default"]) != nil {
                hide(entry.value)
            }
        }
        for alert in spec[key: "hub"]?[key: "alerts"]?.items ?? [] {
            for entry in alert.entries where Self.isAlertSecret(entry.key) { hide(entry.value) }
        }
        for function in spec[key: "functions"]?.items ?? [] {
            for entry in function.entries where Self.isSecrets(entry.key) { hide(entry.value) }
        }
    }

    /// Hides every text in a node that is no expression.
    mutating func hide(_ node: Node) {
        switch node.content {
        case .mapping(let entries): for entry in entries { hide(entry.value) }
        case .sequence(let items): for item in items { hide(item) }
        case .scalar(let scalar) where Expressions.occur(in: scalar.text): break
        case .scalar:
            let place = node.writtenAt ?? node.place
            for line in place.line...max(place.line, place.endLine) {
                let start = line == place.line ? place.column : 1
                let end = line == place.endLine ? place.endColumn : .max
                if start < end { hidden[place.file, default: [:]][line, default: []].append(start..<end) }
            }
        case .invalid: break
        }
    }

    /// The text with every character of a secret replaced by `*`; lines and columns stay as they are.
    func masked(_ file: SourceFile, hasFaults: Bool) -> String {
        let text = hidden[file.index].map { Self.replace(in: file.text, $0) } ?? file.text
        return hasFaults && file.mentions("secret") ? Self.masked(unread: text) : text
    }

    private static let keys = ["secrets", "secretFiles"]

    /// True for what holds secrets, and for what may be a misspelling of it.
    private static func isSecrets(_ key: String) -> Bool {
        if keys.contains(key) { return true }
        return ManifestSchema.function[key] == nil && Suggestion.didYouMean(key, among: keys) != nil
    }

    /// The same of an alert's `secret`.
    private static func isAlertSecret(_ key: String) -> Bool {
        key == "secret" || ManifestSchema.alert[key] == nil && Suggestion.didYouMean(key, among: ["secret"]) != nil
    }

    /// A text that is not YAML, masked by its lines: what stands under `secrets:` or `secretFiles:`, a `secret:` with a value,
    /// and every `default:` if there is a
    /// secret variable. Rather too much than too little; punctuation stays, as the fault is likely there.
    static func masked(unread text: String) -> String {
        let hasSecretVariable = text.contains(#/secret["']?\s*:/#)
        /// The indentation of the key that the line may belong to.
        var inside: Int?
        return text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { line -> String in
            let indent = line.prefix { $0 == " " || $0 == "-" }.count
            if let outer = inside, indent <= outer, !line.allSatisfy(\.isWhitespace) { inside = nil }
            if inside != nil { return starred(line, from: line.firstIndex(of: ":") ?? line.startIndex) }
            // The patterns are costly, and nearly no line has one of these words.
            guard line.contains("secret") || hasSecretVariable && line.contains("default") else { return String(line) }
            if let key = line.firstMatch(of: #/["']?secret(s|Files)["']?\s*:/#) {
                inside = indent
                return starred(line, from: key.range.upperBound)
            }
            if let key = line.firstMatch(of: #/["']?secret["']?\s*:\s*(?!true\b|false\b)\S/#) {
                // The last character matched is the value's first.
                return starred(line, from: line.index(before: key.range.upperBound))
            }
            if hasSecretVariable, let key = line.firstMatch(of: #/["']?default["']?\s*:/#) {
                return starred(line, from: key.range.upperBound)
            }
            return String(line)
        }.joined(separator: "\n")
    }

    private static func starred(_ line: Substring, from start: String.Index) -> String {
        let rest = line[start...]
        if rest.contains("${") { return String(line) }
        var result = String.UnicodeScalarView(line[..<start].unicodeScalars)
        result.append(
            contentsOf: rest.unicodeScalars.map { scalar in
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil ? "*" : scalar
            })
        return String(result)
    }

    private static func replace(in text: String, _ lines: [Int32: [Range<Int32>]]) -> String {
        var result = String.UnicodeScalarView()
        var (line, column): (Int32, Int32) = (1, 1)
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\n" || scalar == "\r" {
                if !(scalar == "\n" && previous == "\r") { (line, column) = (line + 1, 1) }
                result.append(scalar)
            } else {
                let isHidden = scalar != " " && lines[line]?.contains { $0.contains(column) } == true
                result.append(isHidden ? "*" : scalar)
                column += 1
            }
            previous = scalar
        }
        return String(result)
    }
}

extension SourceFile {
    fileprivate func mentions(_ word: String) -> Bool {
        let word = Array(word.utf8)
        return bytes.indices.contains { bytes[$0] == word[0] && bytes[$0...].starts(with: word) }
    }
}

extension Node {
    fileprivate var isTrue: Bool {
        if case .scalar(let scalar) = content { scalar.resolved == .bool(true) } else { false }
    }
}
