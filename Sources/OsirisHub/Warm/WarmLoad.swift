/// What a warm interpreter gets over its stdin, in one line: `{"load": {…}}`.
struct WarmLoad: Encodable {
    struct Function: Encodable {
        /// As `FunctionSpec.handler`; its files are in the working folder by now.
        var handler: String
        /// The function's own variables, its clear secrets among them.
        var env: [String: String]
    }

    var load: Function
}
