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
}

/// Replaces expressions by the values of variables and of the environment.
struct ScalarReader {
    /// Nil while the variables themselves are read: they cannot refer to each other.
    let variables: [String: Variable]?
    let environment: [String: String]
    let source: SourceFile

    /// Nil if an expression has no value; `diagnostics` then says why, unless that was reported before.
    func read(_ scalar: Node.Scalar, _ node: Node, _ diagnostics: inout [Diagnostic]) -> ScalarReading? {
        guard Expressions.occur(in: scalar.text) else {
            return ScalarReading(scalar: scalar.resolved, text: scalar.text, isQuoted: scalar.style != .plain)
        }
        let parts = Expressions.parse(scalar.text)
        var reading = ScalarReading(scalar: .string, text: "")
        var complete = true
        for part in parts {
            switch part {
            case .text(let text): reading.text += text
            case .fault(let message, let help, let ordinal):
                report(.invalidExpression, message, help: help, ordinal, node, &diagnostics)
                complete = false
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
                reading.text += value.text
                if variable.isSecret, reading.secret == nil {
                    (reading.secret, reading.secretPlace) = (name, source.place(ofExpression: ordinal, in: node))
                }
                if parts.count == 1 {
                    (reading.scalar, reading.variable) = (value.scalar, name)
                } else {
                    reading.isUntyped = true
                }
            }
        }
        return complete ? reading : nil
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
        let place = source.place(ofExpression: ordinal, in: node)
        diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: source.name), help: help))
    }
}
