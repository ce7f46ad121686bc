import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import ProviderAWS

/// AWS on this machine: moto behind the front of `aws.py`, started with the first test that needs it.
final class Moto: Sendable {
    static let shared = Task { try await Moto() }

    let service: Service
    let endpoint: String

    private init() async throws {
        service = try Service("aws.py")
        endpoint = "http://127.0.0.1:\(try #require(try await service.line()["port"]?.intValue))"
    }

    /// An account that no other test uses.
    static func account() async throws -> MotoAccount {
        MotoAccount(moto: try await shared.value, number: (0..<12).map { _ in "\(Int.random(in: 0...9))" }.joined())
    }
}

/// One account of `Moto`: its keys, the faults its calls meet, and the calls that were made.
struct MotoAccount: Sendable {
    let moto: Moto
    /// Twelve digits.
    let number: String

    /// What a program needs to be this account, and nothing of the machine's own.
    var environment: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": "AKID\(number)", "AWS_SECRET_ACCESS_KEY": "CANARY-AKID\(number)",
            "AWS_ENDPOINT_URL": moto.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
        ]
    }

    var place: AWSPlace { AWSPlace(region: "eu-central-1") }

    /// A client that does not really wait before it tries again.
    func client(
        _ changes: [String: String] = [:], home: String = "/nonexistent", retry: AWSRetry = .hasty,
        now: @escaping @Sendable () -> Date = { Date() }
    ) -> AWSClient {
        AWSClient(
            http: HTTPClient(), environment: environment.merging(changes) { $1 }, home: home, retry: retry, now: now)
    }

    /// Tells the front what to do; see `aws.py`.
    /// - Returns: what it counted.
    @discardableResult func front(_ settings: Value = [:]) async throws -> MotoCounts {
        let request = HTTPRequest("POST", "\(moto.endpoint)/_front/\(number)", body: settings.plainJSON())
        return MotoCounts(try Value(plainJSON: try await HTTPClient().send(request).body).mapValue ?? [:])
    }

    /// The calls of these actions meet these faults, one after the other.
    func faults(_ faults: [String], on actions: String...) async throws {
        try await front([
            "next": .list(faults.map { ["on": .list(actions.map { .string($0) }), "do": .string($0)] })
        ])
    }
}

/// What the front counted for an account.
struct MotoCounts {
    private let fields: [String: Value]

    init(_ fields: [String: Value]) { self.fields = fields }

    /// By `service:action`.
    var calls: [String: Int] { counts("calls") }
    /// By code.
    var refused: [String: Int] { counts("refused") }
    /// Keys given out, by their source.
    var sources: [String: Int] { counts("sources") }
    var connections: Int { fields["connections"]?.intValue ?? 0 }

    private func counts(_ name: String) -> [String: Int] {
        (fields[name]?.mapValue ?? [:]).compactMapValues(\.intValue)
    }
}

extension AWSRetry {
    static var hasty: AWSRetry {
        AWSRetry(sleep: { _ in
            await Task.yield()
            try Task.checkCancellation()
        })
    }
}

/// The error a call throws; a failed expectation if it throws none.
func awsError(
    at location: Testing.SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> AWSError? {
    await #expect(throws: AWSError.self, sourceLocation: location) { try await body() }
}
