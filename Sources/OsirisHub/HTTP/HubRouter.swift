import Foundation
import HTTPTypes
import Hummingbird

/// The hub's HTTP interface: paths and habits of OpenFaaS, JSON in and out. Each part of it is one file in `Routes`.
struct HubRouter: Sendable {
    let config: HubConfig
    let controller: Controller
    let gatekeeper: Gatekeeper
    let audit: any AuditLog
    let backups: Backups
    let calls: AsyncCalls
    let observation: Observation
    let isolation: Isolation
    /// Nil for plain HTTP.
    let certificate: ServerCertificate?
    /// Seconds since 1970.
    let startedAt: Double

    /// The routes, and who may take each.
    func router() -> (router: Router<HubContext>, rules: [RouteRule]) {
        let guarded = GuardedRouter(gatekeeper, log: audit)
        for group in groups { group.add(to: guarded) }
        return (guarded.router, guarded.rules)
    }

    private var groups: [any RouteGroup] {
        let functions = FunctionRoutes(controller: controller, calls: calls)
        let direct = CallRoutes(controller: controller, observation: observation, notes: calls.notes)
        return [
            HealthRoutes(controller: controller, calls: calls, gatekeeper: gatekeeper, certificate: certificate),
            InfoRoutes(
                config: config, controller: controller, isolation: isolation, certificate: certificate,
                startedAt: startedAt),
            functions,
            AuditRoutes(log: audit),
            BackupRoutes(controller: controller, backups: backups),
            LogRoutes(controller: controller),
            EventRoutes(events: observation.events, observation: observation),
            UsageRoutes(controller: controller, observation: observation),
            PageRoutes(),
            TokenRoutes(gatekeeper: gatekeeper),
            direct,
            AsyncRoutes(calls: calls),
            RecordRoutes(calls: calls),
            AliasRoutes(functions: functions, calls: direct),
            MetricsRoutes(controller: controller, observation: observation, startedAt: startedAt),
        ]
    }
}

/// The hub's own version.
public enum HubVersion {
    /// Semantic version, as `/system/info` and `osiris-hub version` say it.
    public static let current = "0.1.0"
}
