import OsirisDiagnostics

/// Where each value of one part of the manifest stands, by dotted path (`env.GREETING`, `hosts.0`).
public struct SpanMap: Sendable {
    /// The part as a whole.
    public let whole: SourceSpan
    private let entries: [String: SourceSpan]

    public init(whole: SourceSpan, entries: [String: SourceSpan] = [:]) {
        self.whole = whole
        self.entries = entries
    }

    /// The same places and one more, for a value that comes from another part of the manifest.
    public func adding(_ span: SourceSpan, at path: String) -> SpanMap {
        var entries = entries
        entries[path] = span
        return SpanMap(whole: whole, entries: entries)
    }

    /// The place of `path`, or of the nearest part around it that has one.
    public subscript(path: String) -> SourceSpan {
        var prefix = Substring(path)
        while true {
            if let span = entries[String(prefix)] { return span }
            guard let dot = prefix.lastIndex(of: ".") else { return whole }
            prefix = prefix[..<dot]
        }
    }
}
