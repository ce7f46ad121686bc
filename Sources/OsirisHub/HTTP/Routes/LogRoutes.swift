import Hummingbird

/// `/system/logs`: what functions wrote.
struct LogRoutes: RouteGroup {
    let controller: Controller

    func add(to router: GuardedRouter) {
        let controller = controller
        router.on(.get, "/system/logs", .read) { request, _, caller in
            let query = request.uri.queryParameters
            guard let name = query["name"] else { throw HubError(400, "bad_request", "The query has no name.") }
            let count = query["tail"].map { Int($0) ?? -1 } ?? 100
            guard (0...10_000).contains(count) else {
                throw HubError(400, "bad_request", "tail must be a whole number in 0...10000.")
            }
            let function = try request.functionName(String(name))
            try caller.require(.read, in: function.namespace)
            let lines = try await controller.logTail(function, count: count)
            return .text(200, Array(lines.map { $0 + "\n" }.joined().utf8), type: "text/plain; charset=utf-8")
        }
    }
}
