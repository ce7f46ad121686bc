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
        let controller = controller
        router.on(.get, "/system/info", .read) { _, _, caller in .json(200, try HubJSON.encode(await info(caller))) }
        router.on(.get, "/system/namespaces", .read) { _, _, caller in
            let namespaces = Set(await controller.names.map(\.namespace)).filter { caller.may(.read, in: $0) }
            return .json(200, try HubJSON.encode(namespaces.sorted()))
        }
    }

    private func info(_ caller: Caller) async -> Info {
        Info(
            version: HubVersion.current, cluster: config.cluster, address: config.address,
            generation: config.generation, startedAt: startedAt,
            uptimeSeconds: Date().timeIntervalSince1970 - startedAt,
            functions: await controller.names.count { caller.may(.read, in: $0.namespace) },
            isolation: isolation, containers: await controller.containers.claim(), warm: controller.warm.view,
            certificate: certificate.map { CertificateFacts($0.present) })
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
        var warm: WarmPool.View
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
