/// The expressions inside scalars: `${var.NAME}`, `${env.NAME}` and `${target.NAME.machines[0].address}`; `$${` stands for a
/// literal `${`.
enum Expressions {
    enum Part: Equatable {
        case text(String)
        /// `ordinal` counts every `${` of the scalar, escaped ones too.
        case variable(String, ordinal: Int)
        case environment(String, ordinal: Int)
        case target(TargetOutput, ordinal: Int)
        /// `bare` is what stands in the braces, if it could be a variable's name.
        case fault(message: String, help: String?, bare: String? = nil, ordinal: Int)
    }

    /// False for nearly all scalars, cheaply.
    static func occur(in text: String) -> Bool {
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "{"), previous == UInt8(ascii: "$") { return true }
            previous = byte
        }
        return false
    }

    static func parse(_ text: String) -> [Part] {
        var parts: [Part] = []
        var literal = ""
        var ordinal = 0
        var rest = Substring(text)
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
        }
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
                ordinal += 1
            } else if rest.hasPrefix("${") {
                flush()
                guard let close = rest.firstIndex(of: "}") else {
                    parts.append(
                        .fault(message: "the expression is not closed", help: "add the closing `}`", ordinal: ordinal))
                    return parts
                }
                parts.append(part(rest[..<close].dropFirst(2), ordinal))
                rest = rest[close...].dropFirst()
                ordinal += 1
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        flush()
        return parts
    }

    /// Letters, digits, `_` and `-`, starting with a letter or `_`.
    static func isVariableName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Letters, digits and `_`, starting with no digit: what a shell takes for a variable's name.
    static func isEnvironmentName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) }
    }

    private static func part(_ body: Substring, _ ordinal: Int) -> Part {
        let inner = body.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        let text = String(inner)
        let root = text.prefix { $0 != "." }
        let name = text.dropFirst(root.count + 1)
        switch root {
        case "var" where isVariableName(name): return .variable(String(name), ordinal: ordinal)
        case "env" where isEnvironmentName(name): return .environment(String(name), ordinal: ordinal)
        case "var", "env":
            return .fault(
                message: "\("${\(text)}".ticked) names no variable", help: "write `${\(root).NAME}`", ordinal: ordinal)
        case "target":
            switch TargetOutput.parse(name) {
            case .success(let output): return .target(output, ordinal: ordinal)
            case .failure(let fault): return .fault(message: fault.message, help: fault.help, ordinal: ordinal)
            }
        default:
            return .fault(
                message: "\("${\(text)}".ticked) is not an expression",
                help: Suggestion.didYouMean(String(root), among: ["var", "env", "target"]).flatMap {
                    name.isEmpty ? nil : "did you mean `${\($0).\(name)}`?"
                } ?? "write `${var.NAME}` or `${env.NAME}`; `$${` stands for a literal `${`",
                bare: isVariableName(text) ? text : nil, ordinal: ordinal)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

extension SourceFile {
    /// The place of the expression that starts with the `ordinal`-th `${` of a scalar, or the whole scalar if what is
    /// written differs from what was read (an escape such as `\x24`).
    func place(ofExpression ordinal: Int, in node: Node) -> Place {
        let written = node.writtenAt ?? node.place
        let bytes = self.bytes(of: written)
        var (line, column, seen) = (written.line, written.column, 0)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "$"), index + 1 < bytes.endIndex, bytes[index + 1] == UInt8(ascii: "{") {
                if seen == ordinal { return stretch(from: index, in: bytes, line, column, limit: written) }
                seen += 1
            }
            if byte == 0x0A {
                (line, column) = (line + 1, 1)
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
            index += 1
        }
        return written
    }

    private func stretch(
        from start: Int, in bytes: ArraySlice<UInt8>, _ line: Int32, _ column: Int32, limit: Place
    ) -> Place {
        var width: Int32 = 0
        for byte in bytes[start...] {
            if byte == 0x0A || byte == 0x0D { break }
            if byte & 0xC0 != 0x80 { width += 1 }
            if byte == UInt8(ascii: "}") {
                return Place(
                    line: line, column: column, endLine: line, endColumn: column + width, file: limit.file)
            }
        }
        // Not closed on this line: up to the end of the line or of the scalar.
        return Place(line: line, column: column, endLine: line, endColumn: column + max(width, 2), file: limit.file)
    }
}
