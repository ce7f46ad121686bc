import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A call of a function, as whoever makes it gives it to the controller.
public struct FunctionCall: Sendable {
    /// `X-Call-Id`: 1 to 128 letters, digits or `-_.:`.
    public var id: String
    public var method: HTTPRequest.Method
    /// What follows `/function/NAMESPACE/NAME`, with the query, as it was sent: `/a%20b?x=1`; at least `/`.
    public var path: String
    /// What goes from end to end, without `Authorization`; see `CallHeaders`.
    public var headers: HTTPFields
    /// Read at most once, and never after the answer's body is over.
    public var body: RequestBody
    /// Bytes of the body; nil when only its end will tell.
    public var length: Int?

    public init(
        id: String, method: HTTPRequest.Method, path: String, headers: HTTPFields, body: RequestBody,
        length: Int? = nil
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.length = length
    }
}

/// What a function answered. One that is longer than 64 KiB or of unknown length is still on its way.
public struct FunctionAnswer: Sendable {
    /// HTTP status, 200...599.
    public var status: Int
    /// What goes from end to end.
    public var headers: HTTPFields
    /// Writing it throws when the function fails half way; then what was written is not the whole.
    public var body: ResponseBody
    /// The version that gave it.
    public var version: Int
    /// The id of the instance that gave it.
    public var instance: String
    /// True if the call found no instance ready.
    public var startedCold: Bool
}

extension FunctionAnswer {
    /// - Throws: `HubError` for a call that was not answered.
    init(_ run: InstancePool.Run, version: Int, limits: FunctionSpec.Limits) throws {
        let head: AnswerHead
        switch run.first {
        case .head(let begun):
            head = begun
            let reader = AnswerStream.Reader(run.rest)
            body = ResponseBody { writer in
                while let piece = try await reader.next() { try await writer.write(piece) }
                try await writer.finish(nil)
            }
        case .end(.answered(let whole, let bytes)):
            head = whole
            body = ResponseBody(byteBuffer: bytes)
        case .end(let outcome):
            throw CallVerdict.error(for: outcome, limits: limits)
                ?? HubError(500, "internal", "The call has no answer.")
        }
        status = head.status
        headers = head.headers
        self.version = version
        instance = run.instance
        startedCold = run.startedCold
    }
}

extension InstanceCall {
    init(_ call: FunctionCall) {
        id = call.id
        method = call.method
        path = call.path
        headers = call.headers
        body = call.length == 0 ? .whole(ByteBuffer()) : .stream(call.body, length: call.length)
    }
}

/// The latest end that a caller asks for with `X-Deadline`: milliseconds since 1970.
struct CallDeadline: Sendable {
    let instant: ContinuousClock.Instant?

    /// - Throws: `HubError` 400 for what is no such number, 504 for a time that is over.
    init(_ headers: HTTPFields) throws {
        guard let text = headers[.deadline] else {
            instant = nil
            return
        }
        guard let time = Int(text), time > 0 else {
            throw HubError(400, "bad_request", "X-Deadline must be a time in milliseconds since 1970.")
        }
        let left = Double(time) / 1000 - Date().timeIntervalSince1970
        guard left > 0 else { throw HubError(504, "timeout", "The time in X-Deadline is over.") }
        instant = .now + .seconds(left)
    }
}
