/// What the path of an asynchronous call names. Plain.
struct AsyncTarget: Equatable {
    var function: FunctionName
    /// What the function sees: what follows its name, with the query; at least `/`.
    var path: String

    /// - Parameter uri: path and query, such as `/async-function/demo/hello/a?b=c` or `/async-function/hello.demo`.
    /// - Returns: nil if it names no function.
    init?(uri: String) {
        let query = uri.firstIndex(of: "?") ?? uri.endIndex
        let segments = uri[..<query].split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).map(
            String.init)
        // A namespace has no dot.
        let dotted = segments.first?.split(separator: ".", omittingEmptySubsequences: false).map(String.init) ?? []
        let rest: ArraySlice<String>
        if dotted.count == 2 {
            (function, rest) = (FunctionName(namespace: dotted[1], name: dotted[0]), segments.dropFirst())
        } else if segments.count >= 2 {
            (function, rest) = (FunctionName(namespace: segments[0], name: segments[1]), segments.dropFirst(2))
        } else {
            return nil
        }
        guard FunctionName.isLabel(function.namespace), FunctionName.isLabel(function.name) else { return nil }
        path = "/" + rest.joined(separator: "/") + uri[query...]
    }
}
