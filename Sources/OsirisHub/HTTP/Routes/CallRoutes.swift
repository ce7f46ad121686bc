import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// `/function/NAMESPACE/NAME`: one call of a function.
struct CallRoutes: RouteGroup {
    /// Longest body of a call, bytes.
    static let mostBodyBytes = 8 * 1_048_576

    /// Those that a function can be called with.
    static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    let controller: Controller
    let metrics: Metrics

    func add(to router: GuardedRouter) {
        for method in Self.methods {
            router.on(method, "/function/{namespace}/{name}", .invoke) { request, context, caller in
                let name = FunctionName(
                    namespace: try context.parameters.require("namespace"),
                    name: try context.parameters.require("name"))
                return try await call(name, request, context, caller)
            }
        }
    }

    /// Calls a function with a request, whatever path that came by.
    /// - Throws: `HubError` 403.
    func call(
        _ name: FunctionName, _ request: Request, _ context: HubContext, _ caller: Caller
    ) async throws -> Response {
        try caller.require(.invoke, in: name.namespace)
        return await answer(request, name: name, channel: context.channel)
    }

    /// Answers a request that may call functions.
    /// - Parameter channel: the caller's connection; a call that waits ends with it.
    private func answer(_ request: Request, name: FunctionName, channel: any Channel) async -> Response {
        let started = Date().timeIntervalSince1970
        let clock = ContinuousClock()
        let arrival = clock.now
        let id = Self.callID(request.headers[.callID])
        let status: Int
        let body: [UInt8]
        var version: Int?
        var retryAfter: Int?
        do {
            let sent = try await request.bytes(upTo: Self.mostBodyBytes)
            guard let input = HubJSON.oneLine(sent) else {
                throw HubError(400, "bad_request", "The body is not a JSON document in UTF-8.")
            }
            let answer = try await CallerWatch.run(channel) {
                try await controller.call(name, id: id, input: input)
            }
            status = 200
            body = answer.output
            version = answer.version
        } catch {
            let problem = ErrorBodies<HubContext>.problem(error)
            status = problem.status
            retryAfter = problem.retryAfter
            body = problem.body(callId: id)
        }
        let seconds = (clock.now - arrival) / .seconds(1)
        // Names nobody deployed would let a caller grow the metrics without end.
        if status != 404 { metrics.called(name, code: status, seconds: seconds) }
        var headers: [(HTTPField.Name, String)] = [
            (.callID, id), (.durationSeconds, String(format: "%.6f", seconds)),
            (.startTime, String(Int(started * 1_000_000_000))),
        ]
        if let retryAfter { headers.append((.retryAfter, String(retryAfter))) }
        if let version { headers.append((.functionVersion, String(version))) }
        return .json(status, body, headers: headers)
    }

    /// The sent id if it is 1...128 letters, digits or `-_.:`, else a new UUID.
    static func callID(_ sent: String?) -> String {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:".utf8)
        if let sent, (1...128).contains(sent.utf8.count), sent.utf8.allSatisfy(allowed.contains) { return sent }
        return UUID().uuidString.lowercased()
    }
}
