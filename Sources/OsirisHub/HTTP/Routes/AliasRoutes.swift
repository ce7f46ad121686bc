import Hummingbird

/// Other paths for the same things, for clients that know functions by one id. Each does what `/system` or `/function` does
/// at its own path, by the same code.
///
/// An id is `NAME.NAMESPACE`, as in the metrics, or `NAME` in the namespace `default`.
struct AliasRoutes: RouteGroup {
    let functions: FunctionRoutes
    let calls: CallRoutes

    func add(to router: GuardedRouter) {
        let (functions, calls) = (functions, calls)
        router.audited(.post, "/functions", .write, as: "deploy") { request, _, caller, trail in
            try await functions.deploy(request, caller, trail, replace: false)
        }
        router.on(.get, "/functions/{id}", .read) { request, context, caller in
            try await functions.show(FunctionName(id: context.parameters.require("id")), request, caller)
        }
        router.audited(.put, "/functions/{id}", .write, as: "deploy") { request, context, caller, trail in
            try await functions.deploy(
                request, caller, trail, as: FunctionName(id: context.parameters.require("id")), replace: true)
        }
        router.audited(.delete, "/functions/{id}", .write, as: "delete") { request, context, caller, trail in
            try await functions.delete(FunctionName(id: context.parameters.require("id")), request, caller, trail)
        }
        router.on(.post, "/execute/{id}", .invoke) { request, context, caller in
            let query = request.uri.query.map { "?" + $0 } ?? ""
            let target = CallTarget(name: try FunctionName(id: context.parameters.require("id")), path: "/" + query)
            return try await calls.call(target, request, context, caller)
        }
        for method in CallRoutes.methods {
            router.on(method, "/run/**", .invoke) { request, context, caller in
                let path = (request.head.path ?? "").dropFirst("/run".count)
                return try await calls.call(CallTarget("/function" + path), request, context, caller)
            }
        }
    }
}

extension FunctionName {
    /// - Parameter id: `NAME.NAMESPACE`, or `NAME` for the namespace that a manifest has without saying so.
    /// - Throws: `HubError` 404 for what can be no function.
    init(id: String) throws {
        let parts = id.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.allSatisfy(Self.isLabel) else {
            throw HubError(404, "not_found", "A function's id is NAME.NAMESPACE, or NAME in the namespace default.")
        }
        self.init(namespace: parts.count == 2 ? parts[1] : "default", name: parts[0])
    }
}
