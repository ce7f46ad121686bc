import OsirisDiagnostics
import OsirisModel

/// The type of a manifest variable.
enum VariableType: String, CaseIterable {
    case string, int, bool, number

    /// `text` as a value of this type, or nil.
    func value(of text: String) -> CoreSchema.Scalar? {
        switch (self, CoreSchema.resolve(text)) {
        case (.string, _): .string
        case (.int, .int(let number)): .int(number)
        case (.bool, .bool(let flag)): .bool(flag)
        case (.number, .int(let number)): .float(Double(number))
        case (.number, .float(let number)): .float(number)
        default: nil
        }
    }
}

/// A variable with its value.
struct Variable {
    var isSecret: Bool
    /// Nil if it has none; that is reported where it is declared.
    var value: (scalar: CoreSchema.Scalar, text: String)?
}

/// Gives every declared variable its value: `--var`, `OSIRIS_VAR_x`, `from`, default, in this order.
struct VariableResolver {
    let options: ManifestOptions
    let files: FileProbe
    let source: SourceFile
    private(set) var diagnostics: [Diagnostic] = []

    init(options: ManifestOptions, files: FileProbe, source: SourceFile) {
        self.options = options
        self.files = files
        self.source = source
    }

    mutating func resolve(_ declared: Checked?) -> [String: Variable] {
        var variables: [String: Variable] = [:]
        for (name, declaration) in (declared?.entries ?? [:]).sorted(by: { $0.key < $1.key }) {
            let place = declaration.keyPlace ?? declaration.place
            if !Expressions.isVariableName(name) {
                report(
                    .invalidName, "\(name.ticked) is not a variable's name", at: place,
                    help: "use letters, digits, `_` and `-`, starting with a letter")
            }
            let isSecret = declaration["secret"]?.value.boolValue ?? false
            variables[name] = Variable(isSecret: isSecret, value: value(name, declaration, at: place, isSecret))
        }
        for name in options.variables.keys.sorted() where variables[name] == nil {
            let near = Suggestion.didYouMean(name, among: variables.keys.sorted())
            let known = variables.isEmpty ? "the manifest declares none" : "known: \(variables.keys.sorted().ticked())"
            diagnostics.append(
                Diagnostic(
                    .error, .unknownVariableGiven, "`--var \(name)`: the manifest declares no such variable",
                    help: near.map { "did you mean `\($0)`?" } ?? known))
        }
        return variables
    }

    private mutating func value(
        _ name: String, _ declaration: Checked, at place: Place, _ isSecret: Bool
    ) -> (scalar: CoreSchema.Scalar, text: String)? {
        // A declaration that is itself wrong is reported already.
        guard case .object(let fields) = declaration.content, !fields.values.contains(where: \.isInvalid),
            let type = (declaration["type"]?.value.stringValue).flatMap(VariableType.init)
        else { return nil }
        if let text = options.variables[name] {
            return converted(text, to: type, name, from: "`--var`", at: place, isSecret)
        }
        if let text = options.environment["OSIRIS_VAR_\(name)"] {
            return converted(text, to: type, name, from: "`OSIRIS_VAR_\(name)`", at: place, isSecret)
        }
        if let from = declaration["from"], let source = from.value.stringValue {
            switch read(source, at: from.place) {
            case .found(let text): return converted(text, to: type, name, from: source.ticked, at: place, isSecret)
            case .faulty: return nil
            case .absent: break
            }
        }
        if let fallback = declaration["default"] { return defaultValue(fallback, type, name) }
        let source =
            declaration["from"]?.value.stringValue.map {
                $0.hasPrefix("env:")
                    ? ": the environment variable `\($0.dropFirst(4))` is not set"
                    : ": there is no file `\($0.dropFirst(5))`"
            } ?? ""
        report(
            .variableWithoutValue, "the variable `\(name)` has no value\(source)", at: place,
            help: "give it `--var \(name)=…` or `OSIRIS_VAR_\(name)`, or add a `default`")
        return nil
    }

    private mutating func defaultValue(
        _ fallback: Checked, _ type: VariableType, _ name: String
    ) -> (scalar: CoreSchema.Scalar, text: String)? {
        switch (type, fallback.value) {
        case (.string, .string(let text)): return (.string, text)
        case (.int, .int(let number)): return (.int(number), String(number))
        case (.bool, .bool(let flag)): return (.bool(flag), String(flag))
        case (.number, .int(let number)): return (.float(Double(number)), String(number))
        case (.number, .double(let number)): return (.float(number), String(number))
        default:
            let found = fallback.value.described
            report(
                .variableType, "the variable `\(name)` has the type `\(type.rawValue)`, but its default is \(found)",
                at: fallback.place, help: Self.help(for: fallback.value, type))
            return nil
        }
    }

    private static func help(for value: Value, _ type: VariableType) -> String {
        guard let fitting = VariableType.allCases.first(where: { $0.accepts(value) }) else {
            return "variables hold a string, an int, a bool or a number"
        }
        if type == .string { return "put the default in quotes, or add `type: \(fitting.rawValue)`" }
        if case .string(let text) = value, type.value(of: text) != nil { return "remove the quotes" }
        return "give it a default of that type, or use `type: \(fitting.rawValue)`"
    }

    private mutating func converted(
        _ text: String, to type: VariableType, _ name: String, from origin: String, at place: Place, _ isSecret: Bool
    ) -> (scalar: CoreSchema.Scalar, text: String)? {
        if let scalar = type.value(of: text) { return (scalar, text) }
        let shown = isSecret ? "the value" : "the value \(text.ticked)"
        report(
            .variableType,
            "the variable `\(name)` has the type `\(type.rawValue)`; \(shown) from \(origin) does not fit", at: place)
        return nil
    }

    private enum Answer {
        case found(String)
        case absent, faulty
    }

    private mutating func read(_ from: String, at place: Place) -> Answer {
        if from.hasPrefix("env:"), Expressions.isEnvironmentName(from.dropFirst(4)) {
            return options.environment[String(from.dropFirst(4))].map(Answer.found) ?? .absent
        }
        if from.hasPrefix("file:"), from.count > 5 {
            switch files.text(of: String(from.dropFirst(5))) {
            case .success(let text): return text.map(Answer.found) ?? .absent
            case .failure(let reason):
                report(.fileUnreadable, "cannot read \(from.ticked): \(reason.text)", at: place)
                return .faulty
            }
        }
        report(
            .wrongType, "\(from.ticked) is no source of a value", at: place,
            help: "write `env:NAME` for an environment variable or `file:PATH` for a file's text")
        return .faulty
    }

    private mutating func report(_ code: DiagnosticCode, _ message: String, at place: Place, help: String? = nil) {
        diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: source.name), help: help))
    }
}

extension VariableType {
    fileprivate func accepts(_ value: Value) -> Bool {
        switch (self, value) {
        case (.string, .string), (.int, .int), (.bool, .bool), (.number, .double): true
        default: false
        }
    }
}
