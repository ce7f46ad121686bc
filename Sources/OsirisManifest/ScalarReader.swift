import OsirisDiagnostics
import OsirisModel

/// What a scalar says once its expressions are replaced.
struct ScalarReading {
    var scalar: CoreSchema.Scalar
    var text: String
    /// Text from outside the manifest: read as a number or boolean where the schema wants one.
    var isUntyped = false
    var isQuoted = false
    /// The secret variable the text holds, or nil.
    var secret: String?
    /// Where that variable stands.
    var secretPlace: Place?
    /// The variable that is the whole scalar, or nil.
    var variable: String?
    /// The list or map that this variable holds, or nil.
    var node: Node?
    /// The outputs of targets in the text.
    var outputs: [TargetOutput.Use] = []
    /// The text in pieces, if it holds such an output.
    var pieces: [Value] = []
}

extension ScalarReading {
    /// The list or map as if it stood where the variable is used; its parts keep their places.
    func structure(at use: Node) -> Node? {
        guard var node else { return nil }
        node.writtenAt = node.place
        node.place = use.place
        return node
    }
}

/// Replaces expressions by the values of variables and of the environment.
struct ScalarReader {
    /// Nil while the variables themselves are read: they cannot refer to each other.
    let variables: [String: Variable]?
    let environment: [String: String]
    let sources: SourceSet

    /// Nil if an expression has no value; `diagnostics` then says why, unless that was reported before.
    func read(_ scalar: Node.Scalar, _ node: Node, _ diagnostics: inout [Diagnostic]) -> ScalarReading? {
        guard Expressions.occur(in: scalar.text) else {
            return ScalarReading(scalar: scalar.resolved, text: scalar.text, isQuoted: scalar.style != .plain)
        }
        let parts = Expressions.parse(scalar.text)
        var reading = ScalarReading(scalar: .string, text: "")
        var complete = true
        // What stands before the text at hand, if there is an output of a target in it.
        var pieces: [Value] = []
        for part in parts {
            switch part {
            case .text(let text): reading.text += text
            case .fault(let message, var help, let bare, let ordinal):
                if let bare, let near = variables.flatMap({ Suggestion.didYouMean(bare, among: $0.keys.sorted()) }) {
                    help = "did you mean `${var.\(near)}`?"
                }
                report(.invalidExpression, message, help: help, ordinal, node, &diagnostics)
                complete = false
            case .target(let output, let ordinal):
                if !reading.text.isEmpty { pieces.append(.string(reading.text)) }
                reading.text = ""
                pieces.append(.reference(output.reference))
                let place = sources.place(ofExpression: ordinal, in: node)
                reading.outputs.append(TargetOutput.Use(output: output, place: place))
            case .environment(let name, let ordinal):
                if let text = environment[name] {
                    reading.text += text
                    reading.isUntyped = true
                } else {
                    report(
                        .undefinedEnvironment, "the environment variable `\(name)` is not set",
                        help: "set it, or use a variable with a default: `{from: \"env:\(name)\", default: …}`",
                        ordinal,
                        node, &diagnostics)
                    complete = false
                }
            case .variable(let name, let ordinal):
                guard let variable = lookUp(name, ordinal, node, &diagnostics), let value = variable.value else {
                    complete = false
                    continue
                }
                if value.node != nil, parts.count > 1 {
                    report(
                        .invalidExpression, "the variable `\(name)` is no text, so it cannot stand inside one",
                        help: "use it as the whole value, without quotes around more", ordinal, node, &diagnostics)
                    complete = false
                    continue
                }
                reading.text += value.text
                reading.node = value.node
                if variable.isSecret, reading.secret == nil {
                    (reading.secret, reading.secretPlace) = (name, sources.place(ofExpression: ordinal, in: node))
                }
                if parts.count == 1 {
                    (reading.scalar, reading.variable) = (value.scalar, name)
                } else {
                    reading.isUntyped = true
                }
            }
        }
        guard complete else { return nil }
        if !reading.outputs.isEmpty { reading.pieces = pieces + (reading.text.isEmpty ? [] : [.string(reading.text)]) }
        return reading
    }

    private func lookUp(_ name: String, _ ordinal: Int, _ node: Node, _ diagnostics: inout [Diagnostic]) -> Variable? {
        guard let variables else {
            report(
                .invalidExpression, "a variable cannot refer to another variable", help: "write the value itself",
                ordinal, node, &diagnostics)
            return nil
        }
        if let variable = variables[name] { return variable }
        let help =
            Suggestion.didYouMean(name, among: variables.keys.sorted()).map { "did you mean `${var.\($0)}`?" }
            ?? "declare it: `spec.variables.\(name): {default: …}`"
        report(.undefinedVariable, "the variable `\(name)` is not declared", help: help, ordinal, node, &diagnostics)
        return nil
    }

    private func report(
        _ code: DiagnosticCode, _ message: String, help: String?, _ ordinal: Int, _ node: Node,
        _ diagnostics: inout [Diagnostic]
    ) {
        let place = sources.place(ofExpression: ordinal, in: node)
        diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: sources), help: help))
    }
}
