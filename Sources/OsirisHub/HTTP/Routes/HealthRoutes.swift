import Foundation
import Hummingbird

/// `/healthz`, `/ready` and `/metrics`: what probes and scrapers ask.
struct HealthRoutes: RouteGroup {
    let controller: Controller
    let calls: AsyncCalls
    let certificate: ServerCertificate?

    func add(to router: GuardedRouter) {
        let (controller, calls, certificate) = (controller, calls, certificate)
        router.open(.get, "/healthz") { _, _ in Response.text(200, Array("OK".utf8), type: "text/plain") }
        router.open(.get, "/ready") { _, _ in
            let readiness = await controller.readiness()
            return Response.json(readiness.ready ? 200 : 503, try HubJSON.encode(readiness))
        }
        router.on(.get, "/metrics", .read) { _, _, _ in
            var text = await controller.metricsText() + calls.metricsText()
            text += certificate?.metric(now: Date()) ?? ""
            return .text(200, Array(text.utf8), type: "text/plain; version=0.0.4")
        }
    }
}
