import Foundation
import HTTPTypes
import Hummingbird

/// The hub's HTTP interface: paths and habits of OpenFaaS, JSON in and out. Each part of it is one file in `Routes`.
struct HubRouter: Sendable {
    let config: HubConfig
    let controller: Controller
    let gatekeeper: Gatekeeper
    let metrics: Metrics
    let isolation: Isolation
    /// Seconds since 1970.
    let startedAt: Double

    /// The routes, and who may take each.
    func router() -> (router: Router<HubContext>, rules: [RouteRule]) {
        let guarded = GuardedRouter(gatekeeper)
        for group in groups { group.add(to: guarded) }
        return (guarded.router, guarded.rules)
    }

    private var groups: [any RouteGroup] {
        let functions = FunctionRoutes(controller: controller)
        let calls = CallRoutes(controller: controller, metrics: metrics)
        return [
            HealthRoutes(controller: controller, gatekeeper: gatekeeper),
            InfoRoutes(config: config, controller: controller, isolation: isolation, startedAt: startedAt),
            functions,
            LogRoutes(controller: controller),
            TokenRoutes(gatekeeper: gatekeeper),
            calls,
            AliasRoutes(functions: functions, calls: calls),
            MetricsRoutes(controller: controller, metrics: metrics, startedAt: startedAt),
        ]
    }
}

/// The hub's own version.
public enum HubVersion {
    /// Semantic version, as `/system/info` and `osiris-hub version` say it.
    public static let current = "0.1.0"
}
