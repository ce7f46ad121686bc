import Foundation
import OsirisModel
import OsirisTransport
import Synchronization
import Testing

@testable import OsirisState

/// The stores that keep to one protocol, each on a service that is started with its first test.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, etcd
    /// With TLS, client certificates and a user who may touch little more than needed.
    case secureEtcd
    case s3

    var testDescription: String { rawValue }
    /// Whether a write checks the lease it is told to.
    var checksLeases: Bool { self != .s3 }

    /// A store of its own for one test: nobody else has its prefix.
    func store() async throws -> any SharedStore {
        let prefix = "edge/\(UUID().uuidString.lowercased())"
        switch self {
        case .memory: return MemoryStore()
        case .etcd: return try await TestEtcd.plain.value.store(prefix)
        case .secureEtcd: return try await TestEtcd.secure.value.store(prefix)
        case .s3: return try await TestS3.shared.value.store(prefix)
        }
    }
}

/// Three members of etcd on loopback ports.
final class TestEtcd: Sendable {
    static let plain = Task { try await TestEtcd(secure: false) }
    static let secure = Task { try await TestEtcd(secure: true) }

    let service: Service
    let hosts: [String]
    let pids: [Int32]
    private let isSecure: Bool

    init(secure: Bool) async throws {
        isSecure = secure
        service = try Service("etcd.py", secure: secure)
        let ready = try await service.line()
        hosts = try #require(ready["ports"]?.listValue).compactMap { $0.intValue.map { "127.0.0.1:\($0)" } }
        pids = try #require(ready["pids"]?.listValue).compactMap { $0.intValue.map(Int32.init) }
    }

    var environment: [String: String] {
        guard isSecure else { return [:] }
        return [
            "ETCDCTL_CACERT": service.folder + "/ca.pem", "ETCDCTL_CERT": service.folder + "/client.pem",
            "ETCDCTL_KEY": service.folder + "/client.key", "ETCDCTL_USER": "osiris:CANARY:pass",
        ]
    }

    func store(_ prefix: String, _ changes: [String: String] = [:]) throws -> any SharedStore {
        let scheme = isSecure ? "etcds" : "etcd"
        return try SharedStoreAddress("\(scheme)://\(hosts.joined(separator: ","))/\(prefix)")
            .store(environment: environment.merging(changes) { $1 }, home: "/", http: HTTPClient())
    }

    /// Ends every token the user has.
    func endTokens() async throws {
        try service.say("end tokens")
        _ = try await service.line()
    }
}

/// moto behind the front of `s3.py`.
final class TestS3: Sendable {
    static let shared = Task { try await TestS3() }

    let service: Service
    let endpoint: String

    init() async throws {
        service = try Service("s3.py")
        endpoint = "http://127.0.0.1:\(try #require(try await service.line()["port"]?.intValue))"
    }

    func store(
        _ prefix: String, bucket: String = "edge", _ changes: [String: String] = [:],
        http: any HTTPSending = HTTPClient()
    ) throws -> any SharedStore {
        let environment = [
            "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ACCESS_KEY_ID": "AKIDOSIRIS",
            "AWS_SECRET_ACCESS_KEY": "CANARY-secret", "AWS_SESSION_TOKEN": "CANARY-token",
        ]
        return try SharedStoreAddress("s3://\(bucket)/\(prefix)")
            .store(environment: environment.merging(changes) { $1 }, home: "/", http: http)
    }

    /// Tells the front of faults to make below `edge/NAME`; see `s3.py`.
    /// - Returns: how many connections and requests there were.
    @discardableResult func faults(_ faults: Value, for name: String) async throws -> [String: Value] {
        let request = HTTPRequest("POST", "\(endpoint)/_faults/\(name)", body: faults.plainJSON())
        return try Value(plainJSON: try await HTTPClient().send(request).body).mapValue ?? [:]
    }
}

/// Lets something happen between two requests of a store: right before its next PUT.
final class Interruption: HTTPSending {
    private let client = HTTPClient()
    private let action = Mutex<(@Sendable () async throws -> Void)?>(nil)

    func beforeNextPut(_ body: @escaping @Sendable () async throws -> Void) { action.withLock { $0 = body } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        if request.method == "PUT", let body = action.withLock({ $0.take() }) { try await body() }
        return try await client.send(request)
    }
}

/// The error an action throws; a failed expectation if it throws none.
func storeError(
    at location: Testing.SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> SharedStoreError? {
    await #expect(throws: SharedStoreError.self, sourceLocation: location) { try await body() }
}
