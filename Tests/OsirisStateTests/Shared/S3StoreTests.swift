import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import OsirisState

/// What is particular to S3: time, answers that are lost, services that only look like it.
@Suite struct S3StoreTests {
    let s3: TestS3
    let store: any SharedStore
    /// Of this test alone, as are the faults it makes.
    let name = UUID().uuidString.lowercased()

    init() async throws {
        s3 = try await TestS3.shared.value
        store = try s3.store("edge/\(name)")
    }

    @discardableResult func faults(_ faults: Value) async throws -> [String: Value] {
        try await s3.faults(faults, for: name)
    }

    func lease(_ outcome: LeaseOutcome) -> StoreLease? {
        if case .acquired(let lease) = outcome { lease } else { nil }
    }

    @Test func aLeaseEndsByTheServicesClock() async throws {
        let first = try #require(lease(try await store.acquire([1], at: "lock", seconds: 300)))
        for (shift, isFree) in [(290, false), (302, true)] {
            try await faults(["shift": .int(shift)])
            #expect((try await store.holder("lock") == nil) == isFree)
        }
        // Ended, but nobody took it.
        #expect(try await store.renew(first))
        // moto's time stands still for Last-Modified, so it has ended again by now.
        #expect(try await store.holder("lock") == nil)
        try await faults(["shift": 290])
        #expect(lease(try await store.acquire([2], at: "lock", seconds: 300)) == nil)
        try await faults(["shift": 310])
        let second = try #require(lease(try await store.acquire([2], at: "lock", seconds: 300)))
        #expect(try await !store.renew(first))
        #expect(try await store.renew(second))
    }

    /// Who saw the end of a lease does not take it when it was renewed after that look.
    @Test func aRenewalBeatsWhoSawTheEnd() async throws {
        let first = try #require(lease(try await store.acquire([1], at: "lock", seconds: 300)))
        let interruption = Interruption()
        let other = try s3.store("edge/\(name)", http: interruption)
        #expect(try await other.write([1], to: "a", if: .absent, holding: nil) != nil)
        try await faults(["shift": 302])
        interruption.beforeNextPut {
            try await faults(["shift": 0])
            let isRenewed = try await store.renew(first)
            #expect(isRenewed)
        }
        #expect(lease(try await other.acquire([2], at: "lock", seconds: 300)) == nil)
        #expect(try await store.renew(first))
    }

    /// Two saw the same end: one takes the lease, the other is told of it.
    @Test func oneOfTwoTakesWhatBothSawEnd() async throws {
        let first = try #require(lease(try await store.acquire([1], at: "lock", seconds: 300)))
        let interruption = Interruption()
        let other = try s3.store("edge/\(name)", http: interruption)
        #expect(try await other.write([1], to: "a", if: .absent, holding: nil) != nil)
        try await faults(["shift": 302])
        interruption.beforeNextPut {
            let second = try await store.acquire([3], at: "lock", seconds: 600)
            #expect(lease(second) != nil)
        }
        guard case .held(let shown) = try await other.acquire([2], at: "lock", seconds: 300) else {
            return #expect(Bool(false), "two hold the lease")
        }
        #expect(shown.bytes == [3])
        #expect(try await !store.renew(first))
    }

    @Test(arguments: ["lose", "drop", "500 InternalError", "502 BadGateway"])
    func aWriteWithoutAnAnswerIsUnknown(fault: String) async throws {
        #expect(try await store.write([0], to: "first", if: .absent, holding: nil) != nil)
        try await faults(["next": [.string(fault)]])
        let error = await storeError { _ = try await store.write([1], to: "log/1", if: .absent, holding: nil) }
        #expect(error?.kind == .unknown && error?.message.contains(store.location) == true)
        #expect(try await store.read("log/1")?.bytes == (fault == "lose" ? [1] : nil))
    }

    @Test(arguments: ["503 SlowDown", "503 ServiceUnavailable"])
    func aWriteThatWasPutOffIsRepeated(fault: String) async throws {
        #expect(try await store.write([0], to: "first", if: .absent, holding: nil) != nil)
        try await faults(["next": [.string(fault), .string(fault)]])
        #expect(try await store.write([1], to: "log/1", if: .absent, holding: nil) != nil)
        try await faults(["next": .list(Array(repeating: .string(fault), count: 20))])
        let error = await storeError { _ = try await store.write([1], to: "log/2", if: .absent, holding: nil) }
        #expect(error?.kind == .unavailable)
    }

    @Test func aConflictIsTriedOnceMore() async throws {
        #expect(try await store.write([0], to: "first", if: .absent, holding: nil) != nil)
        let conflict: Value = "409 ConditionalRequestConflict"
        try await faults(["next": [conflict]])
        #expect(try await store.write([1], to: "log/1", if: .absent, holding: nil) != nil)
        try await faults(["next": [conflict, conflict]])
        #expect(try await store.write([1], to: "log/2", if: .absent, holding: nil) == nil)
        #expect(try await store.read("log/2") == nil)
    }

    @Test(arguments: ["lose", "drop"])
    func aLeaseWhoseAnswerIsLostIsLookedFor(fault: String) async throws {
        #expect(try await store.write([0], to: "first", if: .absent, holding: nil) != nil)
        try await faults(["next": [.string(fault)]])
        if fault == "drop" {
            #expect(await storeError { _ = try await store.acquire([1], at: "lock", seconds: 60) }?.kind == .unknown)
            return #expect(try await store.holder("lock") == nil)
        }
        let held = try #require(lease(try await store.acquire([1], at: "lock", seconds: 60)))
        try await faults(["next": ["lose"]])
        #expect(await storeError { _ = try await store.renew(held) }?.kind == .unknown)
        #expect(try await store.renew(held))
    }

    @Test func aServiceThatIgnoresConditionsIsRefused() async throws {
        try await faults(["ignoresConditions": true])
        for _ in 0..<2 {
            let error = await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }
            #expect(error?.kind == .other && error?.message.contains("conditional writes") == true)
            #expect(await storeError { _ = try await store.acquire([1], at: "lock", seconds: 60) } == error)
        }
        #expect(try await store.list("", after: nil) == [])
        try await faults(["next": ["501 NotImplemented"]])
        let error = await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }
        #expect(error?.message.contains("conditional writes") == true)
    }

    @Test func theProbeIsMadeOnce() async throws {
        func requests() async throws -> Int { try await faults([:])["requests"]?.intValue ?? 0 }
        #expect(try await store.write([1], to: "a", if: .absent, holding: nil) != nil)
        let before = try await requests()
        #expect(try await store.write([1], to: "b", if: .absent, holding: nil) != nil)
        #expect(try await requests() == before + 1)
        #expect(try await store.list("", after: nil) == ["a", "b"])
    }

    @Test func strangersAreRefused() async throws {
        let changes: [[String: String]] = [
            ["AWS_SECRET_ACCESS_KEY": "CANARY-wrong"], ["AWS_ACCESS_KEY_ID": "AKIDNOBODY"],
            ["AWS_SESSION_TOKEN": "CANARY-wrong"],
        ]
        for change in changes {
            let store = try s3.store("edge/\(name)", change)
            for action in 0..<3 {
                let error = await storeError {
                    switch action {
                    case 0: _ = try await store.read("a")
                    case 1: _ = try await store.list("", after: nil)
                    default: _ = try await store.write([1], to: "a", if: .absent, holding: nil)
                    }
                }
                #expect(error?.kind == .denied && error?.message.contains(store.location) == true)
                let text = String(reflecting: error)
                #expect(!text.contains("CANARY") && !text.contains("AKID"))
            }
        }
    }

    /// The keys come from where every AWS tool looks; the chain itself has tests of its own.
    @Test func keysOfAFileServe() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/.aws", withIntermediateDirectories: true)
        try """
        [edge]
        aws_access_key_id = AKIDOSIRIS
        aws_secret_access_key = CANARY-secret
        aws_session_token = CANARY-token
        """.write(toFile: folder.path + "/.aws/credentials", atomically: true, encoding: .utf8)
        func store(_ profile: String) throws -> any SharedStore {
            try SharedStoreAddress("s3://edge/edge/\(name)").store(
                environment: [
                    "AWS_ENDPOINT_URL_S3": s3.endpoint, "AWS_PROFILE": profile, "AWS_EC2_METADATA_DISABLED": "true",
                ], home: folder.path, http: HTTPClient())
        }
        #expect(try await store("edge").write([1], to: "a", if: .absent, holding: nil) != nil)
        let error = await storeError { _ = try await store("other").read("a") }
        #expect(error?.kind == .denied && error?.message.contains("profile `other`") == true && error?.help != nil)
        #expect(error?.message.contains("s3://edge/edge/\(name)") == true)
    }

    @Test func aBucketThatIsMissingIsNamed() async throws {
        let store = try s3.store("edge/\(name)", bucket: "no-such-bucket")
        for action in 0..<3 {
            let error = await storeError {
                switch action {
                case 0: _ = try await store.read("a")
                case 1: _ = try await store.list("", after: nil)
                default: _ = try await store.write([1], to: "a", if: .absent, holding: nil)
                }
            }
            #expect(error?.kind == .missing && error?.message.contains("s3://no-such-bucket") == true)
        }
    }

    @Test func aServiceThatIsNotThereIsUnavailable() async throws {
        let store = try s3.store("edge/\(name)", ["AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"])
        let error = await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }
        #expect(error?.kind == .unavailable && error?.message.contains("http://127.0.0.1:1") == true)
    }

    @Test func connectionsAreKept() async throws {
        for number in 0..<20 { #expect(try await store.write([1], to: "\(number)", if: .absent, holding: nil) != nil) }
        #expect(try await faults([:])["connections"] == 1)
    }
}
