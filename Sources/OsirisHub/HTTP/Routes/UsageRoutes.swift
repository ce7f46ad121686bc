import Foundation
import Hummingbird

/// `/system/usage` and `/system/series`: how much is called, over months and over the last hour.
struct UsageRoutes: RouteGroup {
    let controller: Controller
    let observation: Observation

    func add(to router: GuardedRouter) {
        router.on(.get, "/system/usage", .read) { request, _, caller in
            let scope = try await observation.scope(request, caller)
            let by = request.uri.queryParameters["by"].map(String.init) ?? UsageGrouping.function.rawValue
            guard let grouping = UsageGrouping(rawValue: by) else {
                throw HubError(400, "bad_request", "by must be function, caller or hour.")
            }
            let now = Date().timeIntervalSince1970
            let (from, to) = (try request.time("from") ?? now - 30 * 86_400, try request.time("to") ?? now)
            let rows = try await observation.usage(from: from, to: to, in: scope, by: grouping)
            return .json(200, try HubJSON.encode(Usage(from: from, to: to, by: by, rows: rows)))
        }
        router.on(.get, "/system/series", .read) { request, _, caller in
            let count = try request.number("minutes", in: 1...CallSeries.minutes, or: CallSeries.minutes)
            let names = await controller.list().map(\.functionName).filter { caller.may(.read, in: $0.namespace) }
            let functions = observation.minutes(of: names, last: count).map { function, minutes in
                Series.Function(namespace: function.namespace, name: function.name, minutes: minutes)
            }
            let now = Date().timeIntervalSince1970
            return .json(200, try HubJSON.encode(Series(now: now, minutes: count, functions: functions)))
        }
    }

    private struct Usage: Encodable {
        /// Seconds since 1970, as is `to`.
        var from: Double
        var to: Double
        var by: String
        var rows: [UsageRow]
    }

    private struct Series: Encodable {
        struct Function: Encodable {
            var namespace: String
            var name: String
            /// Those with calls only.
            var minutes: [CallSeries.Minute]
        }

        /// Seconds since 1970.
        var now: Double
        var minutes: Int
        var functions: [Function]
    }
}
