import Foundation
import HTTPTypes
import Hummingbird

/// The hub's HTTP interface: paths and habits of OpenFaaS, JSON in and out.
struct HubRoutes: Sendable {
    typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

    let config: HubConfig
    let controller: Controller
    let metrics: Metrics
    let isolation: Isolation
    /// Seconds since 1970.
    let startedAt: Double

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: ErrorBodies())
        router.get("/healthz") { _, _ in Response.text(200, Array("OK".utf8), type: "text/plain") }
        router.get("/ready") { _, _ in
            let readiness = await controller.readiness()
            return Response.json(readiness.ready ? 200 : 503, try HubJSON.encode(readiness))
        }
        router.get(
            "/metrics",
            use: guarded(.read) { _, _ in
                .text(200, Array(await controller.metricsText().utf8), type: "text/plain; version=0.0.4")
            })
        addSystem(to: router)
        let call = CallRoute(controller: controller, metrics: metrics)
        let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        for method in methods {
            router.on(
                "/function/{namespace}/{name}", method: method,
                use: guarded(.invoke) { request, context in
                    let name = FunctionName(
                        namespace: try context.parameters.require("namespace"),
                        name: try context.parameters.require("name"))
                    return await call.answer(request, name: name)
                })
        }
        return router
    }

    private func addSystem(to router: Router<BasicRequestContext>) {
        router.get("/system/info", use: guarded(.read) { _, _ in .json(200, try HubJSON.encode(await info())) })
        router.get(
            "/system/functions",
            use: guarded(.read) { _, _ in
                .json(200, try HubJSON.encode(await controller.list()))
            })
        router.get(
            "/system/function/{name}",
            use: guarded(.read) { request, context in
                let name = try Self.name(request, name: context.parameters.require("name"))
                guard let status = await controller.status(name) else { throw Controller.unknown(name) }
                return .json(200, try HubJSON.encode(status))
            })
        router.get(
            "/system/logs",
            use: guarded(.read) { request, _ in
                let query = request.uri.queryParameters
                guard let name = query["name"] else { throw HubError(400, "bad_request", "The query has no name.") }
                let count = query["tail"].map { Int($0) ?? -1 } ?? 100
                guard (0...10_000).contains(count) else {
                    throw HubError(400, "bad_request", "tail must be a whole number in 0...10000.")
                }
                let lines = try await controller.logTail(Self.name(request, name: String(name)), count: count)
                return .text(200, Array(lines.map { $0 + "\n" }.joined().utf8), type: "text/plain; charset=utf-8")
            })
        for (method, replace) in [(HTTPRequest.Method.put, true), (.post, false)] {
            router.on(
                "/system/functions", method: method,
                use: guarded(.write) { request, _ in
                    let body = try await request.bytes(upTo: DeployRequest.mostBodyBytes)
                    let (result, version) = try await controller.deploy(
                        DeployRequest.parse(body), replace: replace, fence: Fence(request.headers))
                    let status = [Controller.DeployResult.unchanged: 200, .created: 201, .updated: 202][result] ?? 200
                    return .json(status, try HubJSON.encode(Deployed(result: result, version: version)))
                })
        }
        router.delete(
            "/system/functions",
            use: guarded(.write) { request, _ in
                let body = try await request.bytes(upTo: 65_536)
                guard let wanted = try? HubJSON.decode(Deletion.self, body) else {
                    throw HubError(400, "bad_request", "The body must be an object with functionName and namespace.")
                }
                try await controller.delete(
                    FunctionName(namespace: wanted.namespace, name: wanted.functionName), fence: Fence(request.headers))
                return .json(202, Array(#"{"result":"deleted"}"#.utf8))
            })
        router.put(
            "/system/fence",
            use: guarded(.write) { request, _ in
                guard let fence = try Fence(request.headers) else {
                    throw HubError(400, "bad_request", "The request has no Osiris-Lineage and Osiris-Fence.")
                }
                try await controller.raise(fence)
                return .json(200, Array(#"{"result":"fenced"}"#.utf8))
            })
    }

    /// Lets a request through only with a token whose role has the permission.
    private func guarded(_ permission: Permission, _ handler: @escaping Handler) -> Handler {
        let access = Access(tokens: config.tokens)
        return { request, context in
            switch access.verdict(authorization: request.headers[.authorization], for: permission) {
            case .allowed: return try await handler(request, context)
            case .unknown: throw HubError(401, "unauthorized", "A valid bearer token is needed.")
            case .forbidden: throw HubError(403, "forbidden", "The token's role does not allow this.")
            }
        }
    }

    private static func name(_ request: Request, name: String) throws -> FunctionName {
        guard let namespace = request.uri.queryParameters["namespace"] else {
            throw HubError(400, "bad_request", "The query has no namespace.")
        }
        return FunctionName(namespace: String(namespace), name: name)
    }

    private func info() async -> Info {
        Info(
            version: HubVersion.current, cluster: config.cluster, address: config.address,
            generation: config.generation, startedAt: startedAt,
            uptimeSeconds: Date().timeIntervalSince1970 - startedAt, functions: await controller.functionCount,
            isolation: isolation)
    }

    private struct Deletion: Decodable {
        var functionName: String
        var namespace: String
    }

    private struct Deployed: Encodable {
        var result: Controller.DeployResult
        var version: Int
    }

    private struct Info: Encodable {
        var version: String
        var cluster: String
        var address: String
        var generation: String
        var startedAt: Double
        var uptimeSeconds: Double
        var functions: Int
        var isolation: Isolation
    }
}

/// The hub's own version.
public enum HubVersion {
    /// Semantic version, as `/system/info` and `osiris-hub version` say it.
    public static let current = "0.1.0"
}
