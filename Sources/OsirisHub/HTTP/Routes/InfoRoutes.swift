import Foundation
import Hummingbird

/// `/system/info`: what hub this is and what is in force on it.
struct InfoRoutes: RouteGroup {
    let config: HubConfig
    let controller: Controller
    let isolation: Isolation
    /// Seconds since 1970.
    let startedAt: Double

    func add(to router: GuardedRouter) {
        router.on(.get, "/system/info", .read) { _, _, _ in .json(200, try HubJSON.encode(await info())) }
    }

    private func info() async -> Info {
        Info(
            version: HubVersion.current, cluster: config.cluster, address: config.address,
            generation: config.generation, startedAt: startedAt,
            uptimeSeconds: Date().timeIntervalSince1970 - startedAt, functions: await controller.functionCount,
            isolation: isolation, containers: await controller.containers.claim())
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
        var containers: ContainerHost.Claim
    }
}
