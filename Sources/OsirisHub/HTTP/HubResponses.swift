import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

extension Response {
    /// A JSON document.
    static func json(
        _ status: Int, _ body: [UInt8], headers: [(HTTPField.Name, String)] = []
    ) -> Response {
        text(status, body, type: "application/json", headers: headers)
    }

    /// Any text.
    static func text(
        _ status: Int, _ body: [UInt8], type: String, headers: [(HTTPField.Name, String)] = []
    ) -> Response {
        var fields = HTTPFields()
        fields[.contentType] = type
        for (name, value) in headers { fields[name] = value }
        return Response(
            status: .init(code: status), headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// Gives every error the body all of them have, also those of the router itself.
struct ErrorBodies<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return Self.response(error, callID: CallRoutes.callID(request.headers[.callID]), logger: context.logger)
        }
    }

    /// The answer to a request that failed.
    static func response(_ error: any Error, callID id: String, logger: Logger) -> Response {
        let problem = Self.problem(error)
        if problem.status == 500 { logger.error("A request failed: \(error)") }
        var headers: [(HTTPField.Name, String)] = [(.callID, id)]
        if let seconds = problem.retryAfter { headers.append((.retryAfter, String(seconds))) }
        if problem.status == 401 { headers.append((.wwwAuthenticate, "Bearer")) }
        return .json(problem.status, problem.body(callId: id), headers: headers)
    }

    static func problem(_ error: any Error) -> HubError {
        switch error {
        case let error as HubError: error
        case let error as any HTTPResponseError where error.status.code == 404:
            HubError(404, "not_found", "There is nothing at this path for this method.")
        case let error as any HTTPResponseError where error.status.code == 413:
            HubError(413, "request_too_large", "The request's body is too long.")
        case let error as any HTTPResponseError:
            HubError(error.status.code, "bad_request", "The request cannot be read.")
        // Not of HTTP, but what many servers count it as; nobody is left to read it.
        case is CancellationError: HubError(499, "caller_gone", "The caller closed its connection.")
        case is CallerBody.Incomplete: HubError(400, "bad_request", "The request's body ended before its time.")
        case is NIOTooManyBytesError: HubError(413, "request_too_large", "The request's body is too long.")
        default: HubError(500, "internal", "The hub failed; its log says why.", retryable: true)
        }
    }
}

extension Request {
    /// The whole body.
    /// - Throws: `HubError` 413 over the limit, in bytes; 408 when it does not arrive in time.
    func bytes(upTo limit: Int) async throws -> [UInt8] {
        let told = headers[.contentLength].flatMap { Int($0) }
        return Array(try await body.bytes(upTo: limit, told: told).readableBytesView)
    }
}
