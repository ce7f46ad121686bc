import HTTPTypes
import Hummingbird

/// A request for a function.
public struct FunctionCall: Sendable {
    /// `X-Call-Id`.
    public var id: String
    public var method: HTTPRequest.Method
    /// What follows the function's name, with the query: at least `/`.
    public var path: String
    /// End-to-end ones, without `Authorization`.
    public var headers: HTTPFields
    public var body: RequestBody

    public init(id: String, method: HTTPRequest.Method, path: String, headers: HTTPFields, body: RequestBody) {
        self.id = id
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// What a function answered.
public struct FunctionAnswer: Sendable {
    /// HTTP status.
    public var status: Int
    public var headers: HTTPFields
    public var body: ResponseBody
    /// The version that answered.
    public var version: Int
    /// The instance that answered.
    public var instance: String
}

extension Controller {
    /// Longest body of a call, bytes.
    static let mostBodyBytes = 8 * 1_048_576

    /// Calls a function.
    /// - Throws: `HubError`.
    public func call(_ name: FunctionName, _ call: FunctionCall) async throws -> FunctionAnswer {
        let sent = Array(try await call.body.collect(upTo: Self.mostBodyBytes).readableBytesView)
        guard let input = HubJSON.oneLine(sent) else {
            throw HubError(400, "bad_request", "The body is not a JSON document in UTF-8.")
        }
        let answer = try await self.call(name, id: call.id, input: input)
        return FunctionAnswer(
            status: 200, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.output)), version: answer.version, instance: "")
    }
}
