import HTTPTypes
import Hummingbird

/// `/system/functions` and what belongs to it: shows, deploys, scales and removes functions.
struct FunctionRoutes: RouteGroup {
    let controller: Controller
    let calls: AsyncCalls

    func add(to router: GuardedRouter) {
        let (controller, calls) = (controller, calls)
        router.on(.get, "/system/functions", .read) { _, _, caller in
            let functions = await controller.list().filter { caller.may(.read, in: $0.namespace) }
            return .json(200, try HubJSON.encode(functions))
        }
        router.on(.get, "/system/function/{name}", .read) { request, context, caller in
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.read, in: name.namespace)
            guard let status = await controller.status(name) else { throw Controller.unknown(name) }
            return .json(200, try HubJSON.encode(status))
        }
        for (method, replace) in [(HTTPRequest.Method.put, true), (.post, false)] {
            router.on(method, "/system/functions", .write) { request, _, caller in
                let deployment = try DeployRequest.parse(await request.bytes(upTo: DeployRequest.mostBodyBytes))
                try caller.require(.write, in: deployment.spec.name.namespace)
                let (result, version) = try await controller.deploy(
                    deployment, replace: replace, fence: Fence(request.headers))
                let status = [Controller.DeployResult.unchanged: 200, .created: 201, .updated: 202][result] ?? 200
                return .json(status, try HubJSON.encode(Deployed(result: result, version: version)))
            }
        }
        router.on(.delete, "/system/functions", .write) { request, _, caller in
            let wanted: Deletion = try await request.document(
                or: "The body must be an object with functionName and namespace.")
            try caller.require(.write, in: wanted.namespace)
            let name = FunctionName(namespace: wanted.namespace, name: wanted.functionName)
            try await controller.delete(name, fence: Fence(request.headers))
            await calls.functionDeleted(name)
            return .json(202, Array(#"{"result":"deleted"}"#.utf8))
        }
        router.on(.post, "/system/scale-function/{name}", .write) { request, context, caller in
            let wanted: Rescaling = try await request.document(
                or: "The body must be an object with replicas, a whole number.")
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.write, in: name.namespace)
            try await controller.scale(name, to: wanted.replicas, fence: Fence(request.headers))
            return .json(202, Array(#"{"result":"scaled"}"#.utf8))
        }
        router.on(.put, "/system/fence", .write) { request, _, _ in
            guard let fence = try Fence(request.headers) else {
                throw HubError(400, "bad_request", "The request has no Osiris-Lineage and Osiris-Fence.")
            }
            try await controller.raise(fence)
            return .json(200, Array(#"{"result":"fenced"}"#.utf8))
        }
    }

    private struct Deletion: Decodable {
        var functionName: String
        var namespace: String
    }

    private struct Rescaling: Decodable {
        var replicas: Int
    }

    private struct Deployed: Encodable {
        var result: Controller.DeployResult
        var version: Int
    }
}

extension Request {
    /// A function's name whose namespace is in the query.
    /// - Throws: `HubError` 400.
    func functionName(_ name: String) throws -> FunctionName {
        guard let namespace = uri.queryParameters["namespace"] else {
            throw HubError(400, "bad_request", "The query has no namespace.")
        }
        return FunctionName(namespace: String(namespace), name: name)
    }

    /// A small JSON body.
    /// - Parameter message: what the caller is told if the body is not of this type.
    func document<T: Decodable>(or message: String) async throws -> T {
        let body = try await bytes(upTo: 65_536)
        guard let document = try? HubJSON.decode(T.self, body) else { throw HubError(400, "bad_request", message) }
        return document
    }
}
