import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization
import Testing

@testable import ProviderAWS

/// Waits in calls that many operations share are told on the line of each of them.
struct AWSSharedProgressTests {
    /// What operations say, by name.
    private final class Lines: Sendable {
        private let said = Mutex<[String: [String]]>([:])
        subscript(name: String) -> [String] { said.withLock { $0[name] ?? [] } }

        func progress(_ name: String) -> AWSClient.Progress {
            let line = line(name)
            return AWSClient.Progress { text, _ in line(text) }
        }

        func line(_ name: String) -> @Sendable (String) -> Void {
            { text in self.said.withLock { $0[name, default: []].append(text) } }
        }
    }

    @Test func whoComesLaterHearsWhatIsWaitedForNow() {
        let (shared, lines) = (SharedProgress(), Lines())
        shared.join(lines.progress("a"))
        shared.progress.hear("short", .zero)
        shared.join(lines.progress("b"))
        shared.progress.hear("long", .seconds(3_600))
        shared.join(lines.progress("c"))
        // One that waits for this one passes it on.
        let next = SharedProgress()
        shared.join(next.progress)
        next.join(lines.progress("d"))
        shared.join(nil)
        #expect(lines["a"] == ["short", "long"] && lines["b"] == ["long"])
        #expect(lines["c"] == ["long"] && lines["d"] == ["long"])
    }

    /// The second call waits for its turn until the first, which waits for the service, has ended.
    @Test func whoWaitsForAnotherCallHearsWhy() async throws {
        let lines = Lines()
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let gather = Gather<String, String, Void>(most: 2) { _, items in
            guard items.contains("a") else { return }
            begin.yield()
            for await _ in ended { break }
            AWSClient.progress?.hear("waiting", .seconds(3_600))
        }
        func add(_ name: String) async throws {
            try await AWSClient.$progress.withValue(lines.progress(name)) { try await gather.add(name, to: "key") }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["a", "b"] { group.addTask { try await add(name) } }
            for await _ in began { break }
            group.addTask { try await add("c") }
            end.yield()
            try await group.waitForAll()
        }
        for name in ["a", "b", "c"] { #expect(lines[name] == ["waiting"], "\(name)") }
    }

    @Test func machinesThatAreMadeAndEndedTogetherAllSayWhatTheyWaitFor() async throws {
        let account = try await Moto.account()
        let lines = Lines()
        let waits = Mutex(0)
        let names = (1...4).map { "m\($0)" }
        // A call that waits goes on when each operation has said so: none comes too late to share it.
        let retry = AWSRetry(sleep: { pause in
            guard pause >= .seconds(7) else { return }
            let turn = waits.withLock { waits in
                waits += 1
                return waits
            }
            _ = await eventually {
                names.allSatisfy { name in
                    Set(lines[name].filter { $0.hasPrefix("waiting 7 s for try 2") }).count >= turn
                }
            }
        })
        let client = account.client(retry: retry)
        var pace = Pace()
        pace.first = .milliseconds(20)
        let handler = AWSProvider(hubVersion: "1", client: client, pace: pace).handler("instance")
        let subnets = try await client.list("DescribeSubnets", items: "subnetSet", at: account.place)
        let cluster = cluster(
            in: "/nowhere", targets: [target("use1", "aws", ["region": .string(account.place.region)])])
        let planned: Attributes = [
            "image": "ami-12c6146b", "type": "t3.small", "subnet": subnets[0].text("subnetId").map(Value.string)!,
            "securityGroups": [], "region": .string(account.place.region),
        ]
        func all(_ body: @escaping @Sendable (OperationRequest) async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names {
                    let request = OperationRequest(
                        cluster: cluster, address: ResourceAddress("use1/instance.\(name)")!, planned: planned,
                        prior: [:], ancestors: [], token: "token-\(name)",
                        owner: Ownership(lineage: "l", fencing: 1), progress: lines.line(name))
                    group.addTask { try await body(request) }
                }
                try await group.waitForAll()
            }
        }
        func expect(_ action: String) {
            for name in names {
                #expect(lines[name].contains { $0.hasPrefix("waiting 7 s for try 2 of \(action)") }, "\(lines[name])")
            }
        }
        let made = Mutex<[String: Attributes]>([:])
        let fault = "503 RequestLimitExceeded retry-after=7"

        // One look at the account, one at the image, one call, one wait.
        try await account.front([
            "next": .list(
                ["DescribeInstances", "DescribeImages", "RunInstances"].map {
                    ["on": .string($0), "do": .string(fault)]
                }
            )
        ])
        try await all { request in
            let attributes = try await handler.create(request)
            made.withLock { $0[String(request.address.name)] = attributes }
        }
        for action in ["DescribeInstances", "DescribeImages", "RunInstances"] { expect(action) }

        try await account.faults([fault], on: "TerminateInstances")
        try await all { request in
            var request = request
            (request.prior, request.planned) = (made.withLock { $0[String(request.address.name)]! }, [:])
            try await handler.delete(request)
        }
        expect("TerminateInstances")
    }
}
