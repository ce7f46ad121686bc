import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import OsirisState

/// The places that keep a state, each on a service that is started with its first test.
enum PlaceKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case local, memory
    /// As S3: nothing but the position of a write tells a former holder of the lock from the present one.
    case memoryWithoutLeaseChecks
    case etcd, s3

    var testDescription: String { rawValue }

    func place() async throws -> Place {
        let folder = try TemporaryFolder()
        let prefix = "edge/\(UUID().uuidString.lowercased())"
        switch self {
        case .local: return Place(folder: folder, store: nil, url: folder.state, environment: [:])
        case .memory: return Place(folder: folder, store: FaultyStore(checksLeases: true), url: "", environment: [:])
        case .memoryWithoutLeaseChecks:
            return Place(folder: folder, store: FaultyStore(checksLeases: false), url: "", environment: [:])
        case .etcd:
            let etcd = try await TestEtcd.plain.value
            let store = try etcd.store(prefix)
            return Place(folder: folder, store: store, url: store.location, environment: [:])
        case .s3:
            let s3 = try await TestS3.shared.value
            let store = try s3.store(prefix)
            return Place(folder: folder, store: store, url: store.location, environment: s3.childEnvironment)
        }
    }
}

/// One state, and how to open it.
struct Place: Sendable {
    let folder: TemporaryFolder
    /// Nil for a local file.
    let store: (any SharedStore)?
    /// For another process.
    let url: String
    let environment: [String: String]

    var backend: any StateBackend {
        store.map { SharedBackend($0, patience: .test) } ?? LocalBackend(path: folder.state)
    }

    func open(
        keyText: String? = nil, sealing: @escaping SealingRule = { _, _ in false },
        now: @escaping @Sendable () -> Date = { Date() }
    ) -> StateStore {
        StateStore(
            backend, key: StateKey(path: folder.key, environment: keyText), lineage: nil, sealing: sealing, now: now)
    }

    func sealingTokens(keyText: String? = nil) -> StateStore {
        open(keyText: keyText, sealing: { type, attribute in type == "hub" && attribute == "token" })
    }
}

extension TestS3 {
    /// For another process.
    var childEnvironment: [String: String] {
        [
            "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ACCESS_KEY_ID": "AKIDOSIRIS",
            "AWS_SECRET_ACCESS_KEY": "CANARY-secret", "AWS_SESSION_TOKEN": "CANARY-token",
        ]
    }
}

extension Patience {
    static let test = Patience(total: .milliseconds(300), firstPause: .milliseconds(1))
}
