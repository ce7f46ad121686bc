import OsirisDiagnostics
import OsirisModel

/// One case of a function's `tests` folder: a call and what its answer must be.
public struct FunctionTestCase: Sendable {
    /// What the error must be.
    public struct ExpectedError: Sendable {
        /// As in `function_error`; nil for any.
        public var code: String?
        /// A part of the message; nil for any.
        public var contains: String?
    }

    /// As written, else the file and the case's place in it, as in `hello.yaml[0]`.
    public var name: String
    /// Upper case.
    public var method: String
    /// Behind the function's own path; begins with `/`.
    public var path: String
    public var headers: [String: String]
    public var body: [UInt8]
    /// Added to the function's environment, in place of its variables and secrets of these names.
    public var env: [String: String]
    /// Absolute path of a folder whose files are laid over the function's source; nil for none.
    public var mock: String?
    /// The answer's status; nil for any success, or any error if an error is expected.
    public var status: Int?
    /// What the answer must hold, as JSON; nil for anything.
    public var expect: Value?
    /// The exact text of the answer; nil for any.
    public var text: String?
    public var error: ExpectedError?
    /// Longest wait for the answer.
    public var withinMilliseconds: Int
    /// Of the case's keys, as in `expect.greeting`.
    public var spans: SpanMap
}

extension ManifestSchema {
    /// One entry of a file in a function's `tests` folder.
    public static let functionTest = Schema([
        Field("name", .string, doc: "What the case shows.", example: "greets by name"),
        Field("input", .any, doc: "The body of the call, as JSON; `{}` when there is no body.", example: "{name: Ada}"),
        Field(
            "inputFile", .path(mustExist: .file), doc: "A file in the `tests` folder that is the body, as it stands.",
            example: "data/order.json"),
        Field("body", .string, doc: "The body as text; give its `Content-Type` under `headers`.", example: "a,b\\n"),
        Field(
            "method", .choice(["GET", "POST", "PUT", "PATCH", "DELETE"]), default: "POST",
            doc: "The method of the call."),
        Field(
            "path", .string, default: "/", doc: "What stands behind the function's own path.", example: "/items?all=1"),
        Field("headers", .map(of: .string), default: [:], doc: "Headers of the call.", example: "{X-Tenant: acme}"),
        Field(
            "env", .map(of: .string), default: [:],
            doc: "Environment variables for this case, in place of the function's own and its secrets of these names.",
            example: "{GREETING: hello}"),
        Field(
            "mock", .path(mustExist: .folder),
            doc:
                "A folder in the `tests` folder whose files are laid over the function's source: mock data and modules.",
            example: "mocks/offline"),
        Field(
            "expect", .any, doc: "The expected answer; of an object only these keys are compared.",
            example: "{greeting: hi Ada}"),
        Field(
            "expectFile", .path(mustExist: .file),
            doc: "A file in the `tests` folder with the expected answer, as JSON.",
            example: "data/answer.json"),
        Field("text", .string, doc: "The whole answer, as text.", example: "pong"),
        Field("status", .int(100...599), doc: "The answer's status; any success when absent.", example: "201"),
        Field(
            "error",
            .object(
                Schema([
                    Field("code", .string, doc: "The error's code.", example: "function_error"),
                    Field("contains", .string, doc: "A part of the error's message.", example: "2 or more"),
                ])), doc: "The call must fail so.", example: "{code: function_error, contains: 2 or more}"),
        Field("within", .duration, default: 10_000, doc: "The answer must come in this time.", example: "2s"),
    ])
}
