import HTTPTypes
import Hummingbird
import NIOCore

/// A part of the interface.
protocol RouteGroup: Sendable {
    func add(to router: GuardedRouter)
}

/// A route and who may take it.
struct RouteRule: Sendable, Hashable, CustomStringConvertible {
    var method: String
    /// As it was added, as in `/function/{namespace}/{name}`.
    var path: String
    /// One of them is enough; empty for everybody, without a token.
    var permissions: [Permission]

    var description: String { "\(method) \(path)" }
}

/// Adds routes; those with a permission are reached only with a token whose role has it.
final class GuardedRouter {
    typealias OpenHandler = @Sendable (Request, HubContext) async throws -> Response
    typealias Handler = @Sendable (Request, HubContext, Caller) async throws -> Response
    typealias AuditedHandler = @Sendable (Request, HubContext, Caller, AuditTrail) async throws -> Response

    let router = Router(context: HubContext.self)
    private let gatekeeper: Gatekeeper
    private let log: any AuditLog
    private let bound = RefusalBound()
    /// Every route that was added.
    private(set) var rules: [RouteRule] = []

    init(_ gatekeeper: Gatekeeper, log: any AuditLog) {
        self.gatekeeper = gatekeeper
        self.log = log
        router.add(middleware: ErrorBodies())
    }

    /// Adds a route that asks for no token; one for GET answers HEAD as well.
    func open(_ method: HTTPRequest.Method, _ path: RouterPath, use handler: @escaping OpenHandler) {
        rules.append(RouteRule(method: method.rawValue, path: "\(path)", permissions: []))
        router.on(path, method: method, use: handler)
        guard method == .get else { return }
        rules.append(RouteRule(method: HTTPRequest.Method.head.rawValue, path: "\(path)", permissions: []))
        router.on(path, method: .head) { try await handler($0, $1).createHeadResponse() }
    }

    /// Adds a route for callers with the permission somewhere. Where the route is about one namespace, the handler asks
    /// `Caller.require`; what is about all of them at once asks `Caller.requireEverywhere`, or for `.admin`.
    func on(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ permission: Permission, use handler: @escaping Handler
    ) {
        on(method, path, anyOf: [permission], use: handler)
    }

    /// Adds a route for callers with one of the permissions somewhere. Of a control route the audit log gets the calls
    /// that are refused for lack of rights; one that changes something is for `audited`.
    func on(
        _ method: HTTPRequest.Method, _ path: RouterPath, anyOf permissions: [Permission],
        use handler: @escaping Handler
    ) {
        rules.append(RouteRule(method: method.rawValue, path: "\(path)", permissions: permissions))
        let gatekeeper = gatekeeper
        let refusals = audit("\(method.rawValue) \(path)")
        router.on(path, method: method) { request, context in
            do {
                let caller = try Self.admit(request, context, for: permissions, gatekeeper)
                return Self.guarded(
                    try await handler(request, context, caller), of: caller, on: context.channel, gatekeeper)
            } catch let error as HubError where error.status == 403 && !permissions.contains(.invoke) {
                try await refusals.record(error, request, context)
                throw error
            }
        }
    }

    /// Adds a control route: each call of it goes to the audit log, refused or not, before it is answered.
    /// - Parameter action: how the log calls it, such as `deploy`.
    func audited(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ permission: Permission, as action: String,
        use handler: @escaping AuditedHandler
    ) {
        rules.append(RouteRule(method: method.rawValue, path: "\(path)", permissions: [permission]))
        let gatekeeper = gatekeeper
        let call = audit(action)
        router.on(path, method: method) { request, context in
            await call.run(request, context) { trail in
                let caller = try Self.admit(request, context, for: [permission], gatekeeper)
                trail.by(caller)
                return Self.guarded(
                    try await handler(request, context, caller, trail), of: caller, on: context.channel, gatekeeper)
            }
        }
    }

    private func audit(_ action: String) -> AuditedCall {
        AuditedCall(action: action, log: log, gatekeeper: gatekeeper, bound: bound)
    }

    private static func admit(
        _ request: Request, _ context: HubContext, for permissions: [Permission], _ gatekeeper: Gatekeeper
    ) throws -> Caller {
        let caller = try gatekeeper.admit(
            authorization: request.headers[.authorization],
            from: context.channel.remoteAddress?.ipAddress ?? "an unknown address", for: permissions)
        // Raising a fence shuts out the run that has a lower number, whatever namespace that is about.
        if request.headers[.lineage] != nil || request.headers[.fence] != nil {
            guard caller.namespaces == nil else { throw Access.otherNamespace }
        }
        return caller
    }

    /// An answer without an end of its own, such as a log that is followed, ends when its token does.
    private static func guarded(
        _ response: Response, of caller: Caller, on channel: any Channel, _ gatekeeper: Gatekeeper
    ) -> Response {
        guard response.body.contentLength == nil else { return response }
        var response = response
        let body = response.body
        response.body = ResponseBody { writer in
            let stream = try gatekeeper.began(caller) { channel.close(promise: nil) }
            defer { gatekeeper.ended(stream) }
            try await body.write(writer)
        }
        return response
    }
}
