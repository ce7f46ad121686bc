import HTTPTypes
import Hummingbird

/// `/v1/calls`: what became of calls. Whoever may call a function sees its records and results; whoever may read sees the
/// records only, as results hold what the function answered.
struct RecordRoutes: RouteGroup {
    /// Most records in one answer.
    static let mostRecords = 1_000

    let calls: AsyncCalls

    func add(to router: GuardedRouter) {
        let calls = calls
        router.on(.get, "/v1/calls", anyOf: Self.readers) { request, _, caller in
            let state = try Self.state(request)
            return try await list(request, caller, state: state)
        }
        router.on(.get, "/system/dead-letters", anyOf: Self.readers) { request, _, caller in
            try await list(request, caller, state: .dead)
        }
        router.on(.get, "/v1/calls/{id}", anyOf: Self.readers) { _, context, caller in
            let id = try context.parameters.require("id")
            guard let entry = try await calls.entry(id) else { throw AsyncCalls.unknown(id) }
            guard Self.mayRead(caller, entry.function.namespace) else { throw Access.forbidden }
            return .json(200, try HubJSON.encode(CallRecord(entry)))
        }
        router.on(.get, "/v1/calls/{id}/result", .invoke) { _, context, caller in
            let id = try context.parameters.require("id")
            guard let entry = try await calls.entry(id) else { throw AsyncCalls.unknown(id) }
            try caller.require(.invoke, in: entry.function.namespace)
            let result = try await calls.result(entry)
            var headers = result.headers
            headers[.callID] = id
            headers[.functionStatus] = String(result.status)
            headers[.functionName] = entry.function.description
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: result.body)))
        }
    }

    private static let readers: [Permission] = [.read, .invoke]

    private static func mayRead(_ caller: Caller, _ namespace: String) -> Bool {
        readers.contains { caller.may($0, in: namespace) }
    }

    private static func state(_ request: Request) throws -> CallEntry.State? {
        guard let text = request.uri.queryParameters["state"] else { return nil }
        guard let state = CallEntry.State(rawValue: String(text)) else {
            let states = CallEntry.State.allCases.map(\.rawValue).joined(separator: ", ")
            throw HubError(400, "bad_request", "state must be one of \(states).")
        }
        return state
    }

    private func list(_ request: Request, _ caller: Caller, state: CallEntry.State?) async throws -> Response {
        let query = request.uri.queryParameters
        let limit = query["limit"].map { Int($0) ?? 0 } ?? 100
        guard (1...Self.mostRecords).contains(limit) else {
            throw HubError(400, "bad_request", "limit must be a whole number in 1...\(Self.mostRecords).")
        }
        let namespaces: [String]
        if let namespace = query["namespace"].map(String.init) {
            guard Self.mayRead(caller, namespace) else { throw Access.forbidden }
            namespaces = [namespace]
        } else {
            namespaces = try await calls.store.namespaces().filter { Self.mayRead(caller, $0) }
        }
        let entries = try await calls.list(
            CallQuery(
                namespaces: namespaces, name: query["name"].map(String.init), state: state,
                before: query["before"].map(String.init), limit: limit))
        return .json(200, try HubJSON.encode(entries.map(CallRecord.init)))
    }
}
