/// What of the metrics a caller sees who is kept to some namespaces: the lines of functions there. What is of no function
/// is about the whole hub, and left out. Plain.
enum VisibleMetrics {
    private static let label = "function_name=\""

    /// - Parameter text: in the Prometheus text format; functions are labelled `NAME.NAMESPACE`.
    static func text(_ text: String, for caller: Caller) -> String {
        guard let namespaces = caller.namespaces else { return text }
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("#") || isOf(namespaces, $0) }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func isOf(_ namespaces: Set<String>, _ line: Substring) -> Bool {
        guard let start = line.range(of: label)?.upperBound, let end = line[start...].firstIndex(of: "\""),
            let dot = line[start..<end].lastIndex(of: ".")
        else { return false }
        return namespaces.contains(String(line[line.index(after: dot)..<end]))
    }
}
