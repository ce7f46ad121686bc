import Hummingbird
import OsirisModel

/// `/system/audit`: who changed what.
struct AuditRoutes: RouteGroup {
    /// Most records of one answer.
    static let mostRecords = 1_000

    let log: any AuditLog

    func add(to router: GuardedRouter) {
        let log = log
        router.on(.get, "/system/audit", .admin) { request, _, _ in
            let query = request.uri.queryParameters
            let first = query["from"].map { Int($0) ?? 0 } ?? 1
            let limit = query["limit"].map { Int($0) ?? -1 } ?? 100
            guard first >= 1, (0...Self.mostRecords).contains(limit) else {
                throw HubError(
                    400, "bad_request",
                    "from must be a whole number from 1, and limit one in 0...\(Self.mostRecords).")
            }
            let page = try await log.audit(from: first, limit: limit)
            let body: Value = [
                "records": .list(page.records), "oldest": .int(page.oldest),
                "head": ["seq": .int(page.head.seq), "hash": .string(page.head.hash)],
            ]
            return .json(200, body.plainJSON())
        }
    }
}
