import OsirisDiagnostics
import OsirisModel

/// Gives every declared variable its value: `--var`, `--var-file`, `OSIRIS_VAR_x`, `from`, default, in this order.
struct VariableResolver {
    let options: ManifestOptions
    let files: FileProbe
    /// The value files read before, in the order of the command line.
    let given: [VariableFile]
    /// Grows by the texts of lists and maps from the command line and the environment.
    private(set) var sources: SourceSet
    private(set) var diagnostics: [Diagnostic] = []

    init(options: ManifestOptions, files: FileProbe, given: [VariableFile], sources: SourceSet) {
        (self.options, self.files, self.given, self.sources) = (options, files, given, sources)
    }

    /// - Parameter node: `spec.variables` as it is written.
    mutating func resolve(_ declared: Checked?, _ node: Node?) -> [String: Variable] {
        var variables: [String: Variable] = [:]
        for (name, declaration) in (declared?.entries ?? [:]).sorted(by: { $0.key < $1.key }) {
            let place = declaration.keyPlace ?? declaration.place
            if !Expressions.isVariableName(name) {
                report(
                    .invalidName, "\(name.ticked) is not a variable's name", at: place,
                    help: "use letters, digits, `_` and `-`, starting with a letter")
            }
            let isSecret = declaration["secret"]?.value.boolValue ?? false
            let value = value(name, declaration, node?[key: name]?[key: "default"], at: place, isSecret)
            variables[name] = Variable(isSecret: isSecret, value: value)
        }
        refuseUnknown(variables.keys.sorted())
        return variables
    }

    private mutating func refuseUnknown(_ declared: [String]) {
        func help(_ name: String) -> String {
            let known = declared.isEmpty ? "the manifest declares none" : "known: \(declared.ticked())"
            return Suggestion.didYouMean(name, among: declared).map { "did you mean `\($0)`?" } ?? known
        }
        for name in options.variables.keys.sorted() where !declared.contains(name) {
            diagnostics.append(
                Diagnostic(
                    .error, .unknownVariableGiven, "`--var \(name)`: the manifest declares no such variable",
                    help: help(name)))
        }
        for entry in given.flatMap(\.entries) where !declared.contains(entry.key) {
            report(
                .unknownVariableGiven, "the manifest declares no variable \(entry.key.ticked)", at: entry.keyPlace,
                help: help(entry.key))
        }
    }

    private mutating func value(
        _ name: String, _ declaration: Checked, _ fallback: Node?, at place: Place, _ isSecret: Bool
    ) -> Variable.Value? {
        // A declaration that is itself wrong is reported already.
        guard case .object(let fields) = declaration.content, !fields.values.contains(where: \.isInvalid),
            let type = (declaration["type"]?.value.stringValue).flatMap(VariableType.init)
        else { return nil }
        if isSecret, type == .list || type == .map {
            report(
                .conflictingKeys, "the variable `\(name)` is a \(type.rawValue), which cannot be secret",
                at: declaration["secret"]?.keyPlace ?? place, help: "declare a secret variable for each value in it")
            return nil
        }
        if let text = options.variables[name] {
            return converted(text, to: type, name, from: "`--var`", called: "--var \(name)", at: place, isSecret)
        }
        for file in given.reversed() {
            guard let entry = file.entries.last(where: { $0.key == name }) else { continue }
            return converted(entry, to: type, isSecret)
        }
        if let text = options.environment["OSIRIS_VAR_\(name)"] {
            let origin = "OSIRIS_VAR_\(name)"
            return converted(text, to: type, name, from: "`\(origin)`", called: origin, at: place, isSecret)
        }
        if let from = declaration["from"], let source = from.value.stringValue {
            switch read(source, at: from.place) {
            case .found(let text):
                return converted(text, to: type, name, from: source.ticked, called: source, at: place, isSecret)
            case .faulty: return nil
            case .absent: break
            }
        }
        if let checked = declaration["default"] { return defaultValue(checked, fallback, type, name) }
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
        _ fallback: Checked, _ node: Node?, _ type: VariableType, _ name: String
    ) -> Variable.Value? {
        if let value = type.value(of: fallback, node) {
            // A variable in the default is reported already, and must not be looked up again.
            return fallback.hasInvalidPart ? nil : value
        }
        let found = fallback.value.described
        report(
            .variableType, "the variable `\(name)` has the type `\(type.rawValue)`, but its default is \(found)",
            at: fallback.place, help: Self.help(for: fallback, node, type))
        return nil
    }

    private static func help(for fallback: Checked, _ node: Node?, _ type: VariableType) -> String {
        guard let fitting = VariableType.allCases.first(where: { $0.value(of: fallback, node) != nil }) else {
            return "variables hold a string, an int, a bool, a number, a duration, a size, a list or a map"
        }
        if type == .string, fitting != .list, fitting != .map {
            return "put the default in quotes, or add `type: \(fitting.rawValue)`"
        }
        if case .int(let number) = fallback.value, let help = QuantityHelp.help(for: String(number), type.quantity) {
            return help
        }
        if case .string(let text) = fallback.value {
            if type == .int || type == .bool || type == .number, type.value(of: text) != nil {
                return "remove the quotes"
            }
            if let help = QuantityHelp.help(for: text, type.quantity) { return help }
        }
        return "give it a default of that type, or use `type: \(fitting.rawValue)`"
    }

    private mutating func converted(
        _ text: String, to type: VariableType, _ name: String, from origin: String, called file: String,
        at place: Place,
        _ isSecret: Bool
    ) -> Variable.Value? {
        if type == .list || type == .map { return structure(text, type, name, from: origin, called: file, at: place) }
        if let value = type.value(of: text) { return value }
        let shown = isSecret ? "the value" : "the value \(text.ticked)"
        report(
            .variableType,
            "the variable `\(name)` has the type `\(type.rawValue)`; \(shown) from \(origin) does not fit", at: place,
            help: isSecret ? nil : QuantityHelp.help(for: text, type.quantity) ?? "it must be \(type.described)")
        return nil
    }

    /// A list or a map written as YAML in a text from outside.
    private mutating func structure(
        _ text: String, _ type: VariableType, _ name: String, from origin: String, called file: String, at place: Place
    ) -> Variable.Value? {
        let example = type == .list ? "[a, b]" : "{a: 1}"
        guard let read = try? SourceFile(name: file, bytes: Array(text.utf8)) else {
            report(.variableType, "the variable `\(name)`: the value from \(origin) is not text", at: place)
            return nil
        }
        let (documents, faults) = YAMLReader.read(sources.add(read))
        diagnostics += faults
        guard faults.isEmpty else { return nil }
        if documents.count == 1, let value = type.value(of: documents[0].root.literal) { return value }
        let found = documents.first?.root.described ?? "nothing"
        report(
            .variableType,
            "the variable `\(name)` has the type `\(type.rawValue)`; the value from \(origin) is \(found)",
            at: place, help: "write YAML: `--var '\(name)=\(example)'`")
        return nil
    }

    private mutating func converted(_ entry: Node.Entry, to type: VariableType, _ isSecret: Bool) -> Variable.Value? {
        let isStructure = type == .list || type == .map
        if let value = type.value(of: isStructure ? entry.value.literal : entry.value) { return value }
        if case .invalid = entry.value.content { return nil }
        var help: String?
        if case .scalar(let scalar) = entry.value.content {
            if scalar.style == .quoted, type.value(of: scalar.text) != nil {
                help = "remove the quotes"
            } else if type == .string, scalar.resolved != .null {
                help = isSecret ? "put it in quotes" : "put it in quotes: `\"\(scalar.text)\"`"
            } else if !isSecret {
                help = QuantityHelp.help(for: scalar.text, type.quantity)
            }
        }
        report(
            .variableType,
            "the variable `\(entry.key)` has the type `\(type.rawValue)`, but its value is \(entry.value.described)",
            at: entry.value.place, help: help ?? "it must be \(type.described)")
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
            switch files.text(of: sources[place].rebased(String(from.dropFirst(5)))) {
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
        diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: sources), help: help))
    }
}

extension VariableType {
    /// A default whose expressions are replaced.
    fileprivate func value(of fallback: Checked, _ node: Node?) -> Variable.Value? {
        switch fallback.content {
        case .leaf(.string(let text)): value(of: .string, text)
        case .leaf(.bool(let flag)): value(of: .bool(flag), String(flag))
        case .leaf(.int(let number)): value(of: .int(number), String(number))
        case .leaf(.double(let number)): value(of: .float(number), String(number))
        case .list, .object: node.flatMap { value(of: $0) }
        default: nil
        }
    }

    fileprivate var quantity: FieldType {
        switch self {
        case .duration: .duration
        case .size: .size
        default: .any
        }
    }
}
