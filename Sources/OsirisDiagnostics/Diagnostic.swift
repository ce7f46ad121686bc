/// One fault or warning, with its place, its reason and the next step.
///
/// A stage collects diagnostics and goes on as far as it can, so that one run reports every fault.
/// The code is stable across releases; the message never carries a secret.
public struct Diagnostic: Sendable, Hashable, Error {
    public enum Severity: String, Sendable, Codable { case error, warning }

    /// A second place that helps to understand the first ("first defined here").
    public struct Note: Sendable, Hashable {
        public var message: String
        public var span: SourceSpan?

        public init(_ message: String, at span: SourceSpan? = nil) {
            self.message = message
            self.span = span
        }
    }

    public var severity: Severity
    public var code: DiagnosticCode
    /// What is wrong with which thing, in one sentence without a full stop.
    public var message: String
    public var span: SourceSpan?
    /// The resource address the fault belongs to, where there is one.
    public var address: String?
    public var notes: [Note]
    /// The next step, such as a suggestion or a command to run.
    public var help: String?

    public init(
        _ severity: Severity, _ code: DiagnosticCode, _ message: String, at span: SourceSpan? = nil,
        address: String? = nil, notes: [Note] = [], help: String? = nil
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.span = span
        self.address = address
        self.notes = notes
        self.help = help
    }

    /// An error.
    public init(
        _ code: DiagnosticCode, _ message: String, at span: SourceSpan? = nil, address: String? = nil,
        notes: [Note] = [], help: String? = nil
    ) {
        self.init(.error, code, message, at: span, address: address, notes: notes, help: help)
    }
}

/// Several diagnostics thrown as one error by a stage that cannot go on.
public struct DiagnosticsError: Error, Sendable {
    public var diagnostics: [Diagnostic]

    public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}

extension Sequence<Diagnostic> {
    public var hasErrors: Bool { contains { $0.severity == .error } }

    /// Sorted by file and place, repeats dropped: the order in which diagnostics are shown.
    public func sortedForDisplay() -> [Diagnostic] {
        var seen = Set<Diagnostic>()
        return filter { seen.insert($0).inserted }.sorted { left, right in
            let (a, b) = (left.span, right.span)
            if a?.file != b?.file { return (a?.file ?? "") < (b?.file ?? "") }
            if let a, let b, a.start != b.start { return a.start < b.start }
            return (left.code.rawValue, left.message) < (right.code.rawValue, right.message)
        }
    }
}
