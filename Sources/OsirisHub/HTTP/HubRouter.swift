import Foundation
import HTTPTypes
import Hummingbird

/// The hub's HTTP interface: paths and habits of OpenFaaS, JSON in and out. Each part of it is one file in `Routes`.
struct HubRouter: Sendable {
    let config: HubConfig
    let controller: Controller
    let calls: AsyncCalls
    let observation: Observation
    let isolation: Isolation
    /// Nil for plain HTTP.
    let certificate: ServerCertificate?
    /// Seconds since 1970.
    let startedAt: Double

    func router() -> Router<HubContext> {
        let router = Router(context: HubContext.self)
        router.add(middleware: ErrorBodies())
        let guarded = GuardedRouter(router: router, access: Access(tokens: config.tokens))
        for group in groups { group.add(to: guarded) }
        return router
    }

    private var groups: [any RouteGroup] {
        [
            HealthRoutes(controller: controller, calls: calls, certificate: certificate),
            InfoRoutes(
                config: config, controller: controller, isolation: isolation, certificate: certificate,
                startedAt: startedAt),
            FunctionRoutes(controller: controller, calls: calls),
            LogRoutes(controller: controller),
            EventRoutes(events: observation.events, observation: observation),
            UsageRoutes(controller: controller, observation: observation),
            PageRoutes(),
            CallRoutes(controller: controller, observation: observation, notes: calls.notes),
            AsyncRoutes(calls: calls),
            RecordRoutes(calls: calls),
        ]
    }
}

/// A part of the interface.
protocol RouteGroup: Sendable {
    func add(to router: GuardedRouter)
}

/// Adds routes; those with a permission are reached only with a token whose role has it.
struct GuardedRouter {
    typealias OpenHandler = @Sendable (Request, HubContext) async throws -> Response
    typealias Handler = @Sendable (Request, HubContext, Caller) async throws -> Response

    let router: Router<HubContext>
    let access: Access

    /// Adds a route that asks for no token.
    func open(_ method: HTTPRequest.Method, _ path: RouterPath, use handler: @escaping OpenHandler) {
        router.on(path, method: method, use: handler)
    }

    /// Adds a route for callers with the permission.
    func on(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ permission: Permission, use handler: @escaping Handler
    ) {
        let access = access
        router.on(path, method: method) { request, context in
            let caller = try access.caller(authorization: request.headers[.authorization], for: permission)
            return try await handler(request, context, caller)
        }
    }
}

extension GuardedRouter {
    /// Adds a route for callers with one of the permissions.
    func on(
        _ method: HTTPRequest.Method, _ path: RouterPath, anyOf permissions: [Permission],
        use handler: @escaping Handler
    ) {
        let access = access
        router.on(path, method: method) { request, context in
            let authorization = request.headers[.authorization]
            for permission in permissions.dropLast() {
                do {
                    let caller = try access.caller(authorization: authorization, for: permission)
                    return try await handler(request, context, caller)
                } catch let error as HubError where error == Access.forbidden {}
            }
            let caller = try access.caller(authorization: authorization, for: permissions[permissions.count - 1])
            return try await handler(request, context, caller)
        }
    }
}

/// The hub's own version.
public enum HubVersion {
    /// Semantic version, as `/system/info` and `osiris-hub version` say it.
    public static let current = "0.1.0"
}
