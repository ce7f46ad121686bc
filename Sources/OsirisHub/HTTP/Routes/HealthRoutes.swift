import Foundation
import Hummingbird

/// `/healthz`, `/ready` and `/metrics`: what probes and scrapers ask.
struct HealthRoutes: RouteGroup {
    let controller: Controller
    let calls: AsyncCalls
    let gatekeeper: Gatekeeper
    let certificate: ServerCertificate?

    func add(to router: GuardedRouter) {
        let (controller, calls, gatekeeper, certificate) = (controller, calls, gatekeeper, certificate)
        router.open(.get, "/healthz") { _, _ in Response.text(200, Array("OK".utf8), type: "text/plain") }
        router.open(.get, "/ready") { _, _ in
            let readiness = await controller.readiness()
            return Response.json(readiness.ready ? 200 : 503, try HubJSON.encode(readiness))
        }
        router.on(.get, "/metrics", .read) { _, _, caller in
            var text =
                await controller.metricsText() + controller.warm.metricsText() + calls.metricsText()
                + gatekeeper.metricsText()
            text += certificate?.metric(now: Date()) ?? ""
            return .text(
                200, Array(VisibleMetrics.text(text, for: caller).utf8), type: "text/plain; version=0.0.4")
        }
    }
}
