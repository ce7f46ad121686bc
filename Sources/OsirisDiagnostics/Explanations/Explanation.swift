/// What `osiris explain OSR0101` and `docs/errors.md` say about a code.
public struct Explanation: Sendable, Hashable {
    /// What is wrong, in a few words of Markdown.
    public let means: String
    /// Why it usually happens.
    public let cause: String
    /// What to do about it.
    public let fix: String
    /// A piece of a manifest or a command line that leads to it.
    public let example: String

    init(_ means: String, cause: String, fix: String, example: String) {
        (self.means, self.cause, self.fix, self.example) = (means, cause, fix, example)
    }

    static let all = [reading, manifest, variables, planning, state, applying, hubs, hosts, clouds]
        .reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}

extension DiagnosticCode {
    /// Nil for no code: a test sees to it that every one has an explanation.
    public var explanation: Explanation? { Explanation.all[self] }
}
