import HTTPTypes
import Hummingbird

/// `/system/functions` and what belongs to it: shows, deploys, scales and removes functions.
struct FunctionRoutes: RouteGroup {
    let controller: Controller
    let calls: AsyncCalls

    func add(to router: GuardedRouter) {
        let controller = controller
        router.on(.get, "/system/functions", .read) { request, _, caller in
            let tag = EntityTag(await controller.wanted().filter { caller.may(.read, in: $0.spec.name.namespace) })
            if let answer = tag.notModified(request) { return answer }
            let functions = await controller.list().filter { caller.may(.read, in: $0.namespace) }
            return .json(200, try HubJSON.encode(functions), headers: [(.eTag, tag.text)])
        }
        router.on(.get, "/system/function/{name}", .read) { request, context, caller in
            try await show(request.functionName(context.parameters.require("name")), request, caller)
        }
        router.on(.get, "/system/function/{name}/versions", .read) { request, context, caller in
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.read, in: name.namespace)
            return .json(200, try HubJSON.encode(try await controller.versions(name)))
        }
        router.on(.get, "/system/instances", .read) { request, _, caller in
            let query = request.uri.queryParameters
            let instances = await controller.instances(
                namespace: query["namespace"].map(String.init), name: query["name"].map(String.init))
            return .json(200, try HubJSON.encode(instances.filter { caller.may(.read, in: $0.namespace) }))
        }
        addChanges(to: router)
    }

    private func addChanges(to router: GuardedRouter) {
        let controller = controller
        for (method, replace) in [(HTTPRequest.Method.put, true), (.post, false)] {
            router.audited(method, "/system/functions", .write, as: "deploy") { request, _, caller, trail in
                try await deploy(request, caller, trail, replace: replace)
            }
        }
        router.audited(.post, "/system/rollback-function/{name}", .write, as: "rollback") {
            request, context, caller, trail in
            let wanted: Rollback = try await request.document(
                or: "The body must be an object with version, a whole number, or an empty one.")
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.write, in: name.namespace)
            return try Self.answer(
                try await controller.rollBack(name, to: wanted.version, as: Change(request, caller, trail)))
        }
        router.audited(.delete, "/system/functions", .write, as: "delete") { request, _, caller, trail in
            let wanted: Deletion = try await request.document(
                or: "The body must be an object with functionName and namespace.")
            return try await delete(
                FunctionName(namespace: wanted.namespace, name: wanted.functionName), request, caller, trail)
        }
        router.audited(.post, "/system/scale-function/{name}", .write, as: "scale") {
            request, context, caller, trail in
            let wanted: Rescaling = try await request.document(
                or: "The body must be an object with replicas, a whole number.")
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.write, in: name.namespace)
            try await controller.scale(name, to: wanted.replicas, as: Change(request, caller, trail))
            return .json(202, Array(#"{"result":"scaled"}"#.utf8))
        }
        router.audited(.post, "/system/annotate-function/{name}", .write, as: "annotate") {
            request, context, caller, trail in
            let wanted: Annotation = try await request.document(
                or: "The body must be an object with annotations, an object of strings.")
            let name = try request.functionName(context.parameters.require("name"))
            try caller.require(.write, in: name.namespace)
            try await controller.annotate(name, wanted.annotations, as: Change(request, caller, trail))
            return .json(200, Array(#"{"result":"annotated"}"#.utf8))
        }
        router.audited(.put, "/system/fence", .write, as: "fence") { request, _, caller, _ in
            try caller.requireEverywhere(.write)
            guard let fence = try Fence(request.headers) else {
                throw HubError(400, "bad_request", "The request has no Osiris-Lineage and Osiris-Fence.")
            }
            try await controller.raise(fence)
            return .json(200, Array(#"{"result":"fenced"}"#.utf8))
        }
    }

    /// Answers with the status of a function.
    func show(_ name: FunctionName, _ request: Request, _ caller: Caller) async throws -> Response {
        try caller.require(.read, in: name.namespace)
        guard let entry = await controller.wanted(name) else { throw Controller.unknown(name) }
        let tag = EntityTag(entry)
        if let answer = tag.notModified(request) { return answer }
        guard let status = await controller.status(name) else { throw Controller.unknown(name) }
        return .json(200, try HubJSON.encode(status), headers: [(.eTag, tag.text)])
    }

    /// Deploys what the body says.
    /// - Parameter name: the function that the path names, if it does; the body need not repeat it.
    func deploy(
        _ request: Request, _ caller: Caller, _ trail: AuditTrail, as name: FunctionName? = nil, replace: Bool
    ) async throws -> Response {
        // What the path tells is judged before a large body is read.
        if let name {
            trail.about(name)
            try caller.require(.write, in: name.namespace)
        }
        let deployment = try DeployRequest.parse(
            await request.bytes(upTo: DeployRequest.mostBodyBytes), named: name)
        trail.about(deployment.spec.name)
        try caller.require(.write, in: deployment.spec.name.namespace)
        let change = try Change(request, caller, trail)
        return try Self.answer(try await controller.deploy(deployment, replace: replace, as: change))
    }

    /// Removes a function.
    func delete(
        _ name: FunctionName, _ request: Request, _ caller: Caller, _ trail: AuditTrail
    ) async throws -> Response {
        trail.about(name)
        try caller.require(.write, in: name.namespace)
        try await controller.delete(name, as: Change(request, caller, trail))
        await calls.functionDeleted(name)
        return .json(202, Array(#"{"result":"deleted"}"#.utf8))
    }

    private struct Deletion: Decodable {
        var functionName: String
        var namespace: String
    }

    private struct Rescaling: Decodable {
        var replicas: Int
    }

    private struct Annotation: Decodable {
        var annotations: [String: String]
    }

    private struct Rollback: Decodable {
        var version: Int?
    }

    private struct Deployed: Encodable {
        var result: Controller.DeployResult
        var version: Int
    }

    private static func answer(_ deployed: Controller.Deployed) throws -> Response {
        let status =
            switch deployed.result {
            case .unchanged: 200
            case .created: 201
            case .updated: 202
            }
        return .json(
            status, try HubJSON.encode(Deployed(result: deployed.result, version: deployed.version)),
            headers: [(.eTag, deployed.tag.text)])
    }
}

extension Change {
    /// What a request says about itself.
    /// - Throws: `HubError` 400.
    init(_ request: Request, _ caller: Caller, _ trail: AuditTrail) throws {
        self.init(
            fence: try Fence(request.headers), precondition: Precondition(request.headers), author: caller.name,
            audit: trail)
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
