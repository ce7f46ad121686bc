/// Which function a request means, and the path that is left for it. Plain.
struct CallTarget: Sendable, Equatable {
    var name: FunctionName
    /// What follows the function's name, as it was sent, with the query; at least `/`.
    var path: String

    /// - Parameter target: path and query of the request: `/function/NAMESPACE/NAME/…` or `/function/NAME.NAMESPACE/…`.
    init?(_ target: String) {
        let end = target.firstIndex { $0 == "?" } ?? target.endIndex
        var rest = target[..<end]
        guard Self.segment(&rest) == "function", let first = Self.segment(&rest) else { return nil }
        // A label has no dot.
        if let dot = first.firstIndex(of: ".") {
            name = FunctionName(namespace: String(first[first.index(after: dot)...]), name: String(first[..<dot]))
        } else {
            guard let second = Self.segment(&rest) else { return nil }
            name = FunctionName(namespace: String(first), name: String(second))
        }
        path = (rest.isEmpty ? "/" : String(rest)) + target[end...]
    }

    /// Takes `/` and what follows it up to the next one.
    private static func segment(_ rest: inout Substring) -> Substring? {
        guard rest.first == "/" else { return nil }
        let tail = rest.dropFirst()
        let end = tail.firstIndex(of: "/") ?? tail.endIndex
        rest = tail[end...]
        return tail[..<end].isEmpty ? nil : tail[..<end]
    }
}
