import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The kit's `authority` type. Its place is the state itself: what exists is what is recorded, and the state's lock and
/// fencing are all it needs.
struct ClusterAuthority: ResourceHandler {
    let now: @Sendable () -> Date
    let type = AuthorityResource.type
    private let made = MadeAuthorities()

    init(now: @escaping @Sendable () -> Date) { self.now = now }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        requests.map { .present($0.recorded) }
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        try made.attributes(of: request) { try attributes([new(request)]) }
    }

    /// Takes the next step of a rotation, if one was asked for or the authority ends soon.
    ///
    /// First another authority is made, and trusted beside the one that signs; then it signs alone. Between the two steps
    /// callers of the hubs learn of it.
    func update(_ request: OperationRequest) async throws -> Attributes {
        try made.attributes(of: request) {
            guard let certificates = request.prior["certificate"]?.stringValue,
                let keys = request.prior["key"]?.stringValue
            else { return try attributes([new(request)]) }
            let present = zip(try Certificate.all(in: certificates), try PrivateKey.all(in: keys))
                .map { CertifiedKey(certificate: $0, key: $1) }
            let isAsked = request.prior["rotation"] == "asked"
            guard let signing = present.first, isAsked || endsSoon(signing.certificate) else {
                return try attributes(present)
            }
            return try attributes(present.count > 1 ? Array(present.dropFirst()) : present + [new(request)])
        }
    }

    /// Nothing is anywhere but in the record.
    func move(_ request: OperationRequest, from: ResourceAddress) async throws {}

    /// Nothing is anywhere but in the record, which goes.
    func delete(_ request: OperationRequest) async throws {}

    /// One whose answer was not recorded is lost; no certificate was signed by it.
    func resolve(_ request: OperationRequest) async throws -> IntentResolution { .notLanded }

    func fence(_ request: OperationRequest) async throws {}

    /// Its key is in no mark: after a loss of the state there is another authority.
    func discover(_ request: DiscoveryRequest) async -> Discovery { Discovery() }

    private func endsSoon(_ certificate: Certificate) -> Bool {
        let days = type.schema["expires"]?.expiry?.renewDays ?? 0
        return certificate.notAfter < now() + Double(days) * 86400
    }

    private func new(_ request: OperationRequest) throws -> CertifiedKey {
        try CertificateAuthority.make(named: request.cluster.name, now: now()).identity
    }

    private func attributes(_ authorities: [CertifiedKey]) throws -> Attributes {
        let certificates = authorities.map(\.certificate.pem).joined()
        let keys = authorities.map(\.key.pem).joined()
        return [
            "rotation": "none", "certificate": .string(certificates),
            "key": .secret(AuthorityResource.key(of: certificates, clear: keys)),
            "expires": .string(authorities.first?.certificate.notAfter.formatted(.iso8601) ?? ""),
        ]
    }
}
