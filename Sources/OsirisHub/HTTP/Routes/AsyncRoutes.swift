import HTTPTypes
import Hummingbird

/// `/async-function`: takes calls that are made later.
struct AsyncRoutes: RouteGroup {
    /// Longest body of an asynchronous call, bytes.
    static let mostBodyBytes = 1_048_576

    let calls: AsyncCalls

    func add(to router: GuardedRouter) {
        for method in CallRoutes.methods {
            router.on(method, "/async-function/**", .invoke) { request, context, caller in
                let path = request.head.path ?? ""
                if let target = CallTarget("/" + path.dropFirst("/async-".count)) {
                    try caller.require(.invoke, in: target.name.namespace)
                    return try await submit(request, target, caller, context)
                }
                let id = context.parameters.getCatchAll()
                guard method == .delete, id.count == 1, let id = id.first.map(String.init) else {
                    throw HubError(
                        404, "not_found", "The path names no function, as /async-function/NAMESPACE/NAME does.")
                }
                return try await cancel(id, caller)
            }
        }
        router.on(.delete, "/v1/calls/{id}", .invoke) { _, context, caller in
            try await cancel(try context.parameters.require("id"), caller)
        }
        router.on(.post, "/v1/calls/{id}/retry", .invoke) { _, context, caller in
            let id = try context.parameters.require("id")
            try await mustKnow(id, caller)
            return .json(202, try HubJSON.encode(CallRecord(try await calls.retry(id))))
        }
    }

    private func submit(_ request: Request, _ target: CallTarget, _ caller: Caller, _ context: HubContext) async throws
        -> Response
    {
        let sentID = request.headers[.callID]
        let id = CallRoutes.callID(sentID)
        guard sentID == nil || sentID == id else {
            throw HubError(400, "bad_request", "X-Call-Id must be 1 to 128 letters, digits or -_.: in all.")
        }
        let callback = request.headers[.callbackURL]
        if let fault = callback.flatMap(calls.delivery.rules.fault) {
            throw HubError(400, "bad_request", "X-Callback-Url is refused. \(fault)")
        }
        let now = calls.options.now()
        var headers = CallRoutes.headers(request, context, id: id, startTime: String(Int(now * 1_000_000_000)))
        for name in [.contentLength, .callbackURL, .retryMax] as [HTTPField.Name] { headers[name] = nil }
        let kept = CallRequest(
            method: request.method.rawValue, path: target.path, headers: headers,
            body: try await request.bytes(upTo: Self.mostBodyBytes))
        var entry = CallEntry(id: id, function: target.name, isAsync: true, created: now)
        entry.caller = caller.name
        entry.retries = try Self.retries(request.headers[.retryMax])
        entry.digest = kept.digest(target.name, retries: entry.retries, callback: callback)
        entry.bytes = kept.bytes
        entry.callback = callback.map { CallEntry.Callback(url: $0) }
        let (taken, isNew) = try await calls.submit(entry, kept, mayBeKnown: sentID != nil)
        let told: [(HTTPField.Name, String)] = [(.callID, id), (.location, "/v1/calls/\(id)")]
        let body = try isNew ? HubJSON.encode(["callId": id]) : HubJSON.encode(CallRecord(taken))
        return .json(isNew ? 202 : 200, body, headers: told)
    }

    private static func retries(_ text: String?) throws -> Int {
        guard let text else { return AsyncOptions.retries }
        guard let count = Int(text), (0...AsyncOptions.mostRetries).contains(count) else {
            throw HubError(
                400, "bad_request", "X-Retry-Max must be a whole number in 0...\(AsyncOptions.mostRetries).")
        }
        return count
    }

    private func cancel(_ id: String, _ caller: Caller) async throws -> Response {
        try await mustKnow(id, caller)
        return .json(200, try HubJSON.encode(CallRecord(try await calls.cancel(id))))
    }

    private func mustKnow(_ id: String, _ caller: Caller) async throws {
        guard let entry = try await calls.entry(id) else { throw AsyncCalls.unknown(id) }
        try caller.require(.invoke, in: entry.function.namespace)
    }
}

extension HTTPField.Name {
    static let callbackURL = HTTPField.Name("X-Callback-Url") ?? .contentType
    static let retryMax = HTTPField.Name("X-Retry-Max") ?? .contentType
    static let functionStatus = HTTPField.Name("X-Function-Status") ?? .contentType
    static let functionName = HTTPField.Name("X-Function-Name") ?? .contentType
}
