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

    /// From the hubs that were found: their marks keep its key, sealed. Hubs that a rotation did not come to know an earlier
    /// step of it.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let found = request.below.filter { $0.address.type == HubResource.type.name }.compactMap { hub in
            known(by: hub.attributes).map { (hub: hub.address, authorities: $0) }
        }
        let latest = found.max {
            let (one, other) = ($0.authorities, $1.authorities)
            return (one[0].certificate.notBefore, one.count) < (other[0].certificate.notBefore, other.count)
        }
        guard let latest, let attributes = try? attributes(latest.authorities) else { return Discovery() }
        return Discovery([
            DiscoveredResource(
                address: AuthorityResource.address(of: request.cluster), attributes: attributes,
                place: "sealed in the marks of \(latest.hub)")
        ])
    }

    /// Nil unless the keys are there and are those of the certificates.
    private func known(by hub: Attributes) -> [CertifiedKey]? {
        guard let certificates = hub["authority"]?.stringValue.flatMap({ try? Certificate.all(in: $0) }),
            let keys = hub["authorityKey"]?.stringValue.flatMap({ try? PrivateKey.all(in: $0) }),
            !certificates.isEmpty, certificates.count == keys.count
        else { return nil }
        let pairs = zip(certificates, keys).map { CertifiedKey(certificate: $0, key: $1) }
        return pairs.allSatisfy { $0.certificate.certifies($0.key) } ? pairs : nil
    }

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
