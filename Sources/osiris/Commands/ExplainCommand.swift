import ArgumentParser
import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// Tells about a diagnostic code or a key of the manifest.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell what a diagnostic code means, or what a key of the manifest is for.",
        discussion: "Examples: osiris explain OSR0101, osiris explain cluster.spec.targets.ssh.hosts")

    @Argument(
        help: "A code such as OSR0101, or a path such as cluster.spec.hub; without it all codes are listed.",
        completion: .list(
            DiagnosticCode.allCases.map(\.rawValue) + ["cluster", "overlay"]
                + ManifestSchema.spec.fields.map { "cluster.spec.\($0.name)" }))
    var topic: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            guard let topic else { return list(console) }
            if let code = try DiagnosticCode(topic: topic) { return explain(code, console) }
            let reference = ManifestReference(kinds: Providers.registry().targetKinds)
            if console.json {
                console.line(try reference.json(topic).prettyJSONText)
            } else {
                console.out(try reference.text(topic))
            }
        }
    }

    private func list(_ console: Console) {
        let rows = DiagnosticCode.allCases.compactMap { code in code.explanation.map { (code, $0) } }
        if console.json { return console.line(Value.list(rows.map { $0.1.json($0.0) }).prettyJSONText) }
        for (code, explanation) in rows { console.line("\(code.rawValue)  \(explanation.means)") }
    }

    private func explain(_ code: DiagnosticCode, _ console: Console) {
        guard let explanation = code.explanation else { return }
        if console.json { return console.line(explanation.json(code).prettyJSONText) }
        let example = explanation.example.split(separator: "\n", omittingEmptySubsequences: false)
        console.out(
            """
            \(code.rawValue): \(explanation.means)

            Cause: \(explanation.cause)
            Fix: \(explanation.fix)

            Example:
            \(example.map { "    " + $0 }.joined(separator: "\n"))

            """)
    }
}

extension DiagnosticCode {
    /// Nil for a text that is no code at all.
    /// - Throws: `Diagnostic` for a code that does not exist.
    init?(topic: String) throws(Diagnostic) {
        guard let match = topic.wholeMatch(of: #/(?i)(?:osr)?-?([0-9]{1,4})/#) else { return nil }
        let number = String(repeating: "0", count: 4 - match.1.count) + match.1
        guard let code = DiagnosticCode(rawValue: "OSR\(number)") else {
            throw Diagnostic(
                .usage, "there is no code `OSR\(number)`", help: "`osiris explain` lists all of them")
        }
        self = code
    }
}

extension Explanation {
    fileprivate func json(_ code: DiagnosticCode) -> Value {
        [
            "code": .string(code.rawValue), "means": .string(means), "cause": .string(cause), "fix": .string(fix),
            "example": .string(example),
        ]
    }
}
