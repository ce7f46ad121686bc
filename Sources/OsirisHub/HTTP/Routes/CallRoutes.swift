import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// `/function/NAMESPACE/NAME` and `/function/NAME.NAMESPACE`, with any method and any path after it: one call of a
/// function.
struct CallRoutes: RouteGroup {
    /// Every method that the server reads, but `CONNECT`, which has no path.
    static let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ACL", "BIND", "CHECKOUT", "COPY", "LINK",
        "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "PROPFIND", "PROPPATCH",
        "PURGE", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
    ].compactMap { HTTPRequest.Method($0) }

    /// Longest path and query that a function gets, bytes: what the starter of every runtime takes.
    static let mostPathBytes = 60_000

    let controller: Controller
    let observation: Observation
    let notes: CallNotes

    func add(to router: GuardedRouter) {
        for method in Self.methods {
            router.on(method, "/function/**", .invoke) { request, context, caller in
                try await call(CallTarget(request.head.path ?? ""), request, context, caller)
            }
        }
    }

    /// Calls a function with a request, whatever path that came by.
    /// - Parameter target: nil for a path that names no function.
    /// - Throws: `HubError` 403, 404.
    func call(
        _ target: CallTarget?, _ request: Request, _ context: HubContext, _ caller: Caller
    ) async throws -> Response {
        guard let target else { throw HubError(404, "not_found", "There is nothing at this path for this method.") }
        guard target.path.utf8.count <= Self.mostPathBytes else {
            throw HubError(414, "uri_too_long", "Path and query are longer than \(Self.mostPathBytes) bytes.")
        }
        try caller.require(.invoke, in: target.name.namespace)
        return await answer(request, target, caller, context)
    }

    /// Answers a request that may call functions.
    private func answer(
        _ request: Request, _ target: CallTarget, _ caller: Caller, _ context: HubContext
    ) async -> Response {
        let started = Date().timeIntervalSince1970
        let clock = ContinuousClock()
        let arrival = clock.now
        let id = Self.callID(request.headers[.callID])
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let hasBody = length ?? (request.headers[.transferEncoding] == nil ? 0 : 1) > 0
        let body = CallerBody(request.body, length: length)
        let startTime = String(Int(started * 1_000_000_000))
        let call = FunctionCall(
            id: id, method: request.method, path: target.path,
            headers: Self.headers(request, context, id: id, startTime: startTime),
            body: RequestBody(asyncSequence: body), length: hasBody ? length : 0)
        var status: Int
        var headers: HTTPFields
        var content: ResponseBody
        // Callers may name anything; only what was deployed leaves a record.
        var isKnown = true
        var note = CallEntry(id: id, function: target.name, isAsync: false, created: started)
        do {
            let answer = try await CallerWatch.run(context.channel) { try await controller.call(target.name, call) }
            (status, headers, content) = (answer.status, answer.headers, answer.body)
            (note.version, note.instance) = (answer.version, answer.instance)
            headers[.functionVersion] = String(answer.version)
            headers[.instance] = answer.instance
            headers[.coldStart] = answer.startedCold ? "1" : "0"
        } catch {
            let problem = ErrorBodies<HubContext>.problem(error)
            isKnown = problem.status != 404
            status = problem.status
            note.error = problem.message
            headers = [.contentType: "application/json"]
            headers[.retryAfter] = problem.retryAfter.map { String($0) }
            content = ResponseBody(byteBuffer: ByteBuffer(bytes: problem.body(callId: id)))
        }
        let seconds = (clock.now - arrival) / .seconds(1)
        if isKnown {
            note.answered(status, seconds: seconds)
            notes.add(note)
        }
        observation.called(
            CallReport(
                function: target.name, caller: caller.name, status: status, seconds: seconds, bytesIn: body.received,
                bytesOut: content.contentLength ?? 0))
        if content.contentLength == nil {
            content = content.counting { bytes in
                observation.streamed(target.name, caller: caller.name, bytesOut: bytes)
            }
        }
        headers[.callID] = id
        headers[.durationSeconds] = String(format: "%.6f", seconds)
        headers[.startTime] = startTime
        return Self.response(status, headers, content, to: request, body)
    }

    /// The response; it is over when nobody reads the request any more.
    private static func response(
        _ status: Int, _ headers: HTTPFields, _ content: ResponseBody, to request: Request, _ body: CallerBody
    ) -> Response {
        let hasBody = request.method != .head && status != 204 && status != 304
        let content = hasBody ? content : ResponseBody()
        // While an answer is on its way the function may still read.
        let length = content.contentLength
        if length != nil, body.close() { return Response(status: .init(code: status), headers: headers, body: content) }
        return Response(
            status: .init(code: status), headers: headers,
            body: ResponseBody(contentLength: length) { writer in
                do {
                    try await content.write(writer)
                } catch {
                    await body.closed()
                    throw error
                }
                await body.closed()
            })
    }

    /// What the function gets beside what the caller sent.
    static func headers(
        _ request: Request, _ context: HubContext, id: String, startTime: String
    ) -> HTTPFields {
        var headers = CallHeaders.fromCaller(request.headers)
        let host = request.head.authority
        headers[.host] = host
        headers[.callID] = id
        headers[.startTime] = startTime
        if let address = context.channel.remoteAddress?.ipAddress {
            headers[.forwardedFor] = (headers[values: .forwardedFor] + [address]).joined(separator: ", ")
        }
        if headers[.forwardedHost] == nil { headers[.forwardedHost] = host }
        if headers[.forwardedProto] == nil { headers[.forwardedProto] = request.head.scheme ?? "http" }
        var random = SystemRandomNumberGenerator()
        TraceContext.apply(to: &headers, using: &random)
        return headers
    }

    /// The sent id if it is 1...128 letters, digits or `-_.:`, else a new UUID.
    static func callID(_ sent: String?) -> String {
        if let sent, (1...128).contains(sent.utf8.count), sent.utf8.allSatisfy(allowed.contains) { return sent }
        var random = SystemRandomNumberGenerator()
        return RandomID.uuid(using: &random)
    }

    private static let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:".utf8)
}
