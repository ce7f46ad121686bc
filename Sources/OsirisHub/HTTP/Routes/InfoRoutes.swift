import Foundation
import Hummingbird

/// `/system/info`: what hub this is and what is in force on it.
struct InfoRoutes: RouteGroup {
    let config: HubConfig
    let controller: Controller
    let isolation: Isolation
    let certificate: ServerCertificate?
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
            isolation: isolation, certificate: certificate.map { CertificateFacts($0.present) })
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
        /// Absent for plain HTTP.
        var certificate: CertificateFacts?
    }

    private struct CertificateFacts: Encodable {
        /// RFC 3339.
        var expires: String
        /// Of its DER form.
        var fingerprint: String

        init(_ certificate: ServerCertificate.Present) {
            expires = certificate.expires.formatted(.iso8601)
            fingerprint = certificate.fingerprint
        }
    }
}
