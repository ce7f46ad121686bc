import OsirisDiagnostics
import OsirisModel

/// What came of one case of a function's tests.
public struct FunctionTestResult: Sendable {
    /// One thing that was not as it should be.
    public struct Problem: Sendable {
        public var text: String
        /// Where the expectation stands; nil if it is in no manifest-like file.
        public var span: SourceSpan?

        public init(_ text: String, at span: SourceSpan? = nil) {
            self.text = text
            self.span = span
        }
    }

    /// `NAMESPACE/NAME`.
    public var function: String
    public var name: String
    public var seconds: Double
    /// Empty if it passed.
    public var problems: [Problem]

    public init(function: String, name: String, seconds: Double, problems: [Problem]) {
        self.function = function
        self.name = name
        self.seconds = seconds
        self.problems = problems
    }

    public var passed: Bool { problems.isEmpty }
}

/// Shows the results of function tests to people and programs.
public enum FunctionTestReport {
    /// One case: a line, and a line for each problem.
    public static func text(_ result: FunctionTestResult, style: TextStyle) -> String {
        let word = result.passed ? style.paint("ok  ", .green) : style.paint("FAIL", .boldRed)
        let name = PrintableText.escaped(result.name)
        var lines = ["\(word)  \(result.function)  \(name) (\(milliseconds(result)) ms)"]
        for problem in result.problems {
            let start = problem.span.map { "\(place($0)): " } ?? ""
            let parts = problem.text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { PrintableText.escaped(String($0)) }
            lines.append("      \(start)\(parts.first ?? "")")
            lines += parts.dropFirst().map { "      \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The last line.
    public static func summary(_ results: [FunctionTestResult]) -> String {
        let failed = results.count { !$0.passed }
        let functions = Set(results.map(\.function)).count
        return
            "\(results.count - failed) passed, \(failed) failed, in \(functions) function\(functions == 1 ? "" : "s")"
    }

    /// `{"passed", "failed", "cases": [{"function", "name", "passed", "milliseconds", "problems"}]}`.
    public static func json(_ results: [FunctionTestResult]) -> Value {
        let failed = results.count { !$0.passed }
        return [
            "passed": .int(results.count - failed), "failed": .int(failed),
            "cases": .list(
                results.map { result in
                    [
                        "function": .string(result.function), "name": .string(result.name),
                        "passed": .bool(result.passed), "milliseconds": .int(milliseconds(result)),
                        "problems": .list(
                            result.problems.map { problem in
                                [
                                    "message": .string(problem.text),
                                    "place": problem.span.map { .string(place($0)) } ?? .null,
                                ]
                            }),
                    ]
                }),
        ]
    }

    static func place(_ span: SourceSpan) -> String { "\(span.file):\(span.start.line):\(span.start.column)" }

    private static func milliseconds(_ result: FunctionTestResult) -> Int { Int(result.seconds * 1000) }
}
