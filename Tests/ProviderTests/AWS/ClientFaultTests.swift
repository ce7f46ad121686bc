import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Synchronization
import Testing

@testable import ProviderAWS

/// What is repeated, what is not, and what comes out in the end.
@Suite struct ClientFaultTests {
    let account: MotoAccount
    let client: AWSClient
    static let lost = ["lose", "drop", "500 InternalError", "502 BadGateway", "504 GatewayTimeout"]

    init() async throws {
        account = try await Moto.account()
        client = account.client()
    }

    private func made() async throws -> Int {
        var parameters = QueryParameters()
        parameters.filter("isDefault", ["false"])
        return try await client.list("DescribeVpcs", parameters, items: "vpcSet", at: account.place).count
    }

    private func run(_ token: String?) async throws -> XMLNode {
        var parameters: QueryParameters = [
            "ImageId": "ami-12c6146b", "MinCount": "2", "MaxCount": "2", "InstanceType": "t3.micro",
        ]
        parameters["ClientToken"] = token
        return try await client.call("RunInstances", parameters, at: account.place)
    }

    /// Whoever waits is told for what, unless it is for a moment.
    @Test func longWaitsAreTold() async throws {
        try await account.faults(
            ["503 RequestLimitExceeded retry-after=7", "503 RequestLimitExceeded"], on: "DescribeVpcs")
        let told = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { text in told.withLock { $0.append(text) } }
        _ = try await AWSClient.$progress.withValue(.init(hear: note)) { try await made() }
        let first = "waiting 7 s for try 2 of DescribeVpcs: refused by the front"
        #expect(told.withLock { $0 } == [first])
    }

    @Test(arguments: lost)
    func aReadIsRepeated(fault: String) async throws {
        try await account.faults([fault, fault, fault], on: "DescribeVpcs")
        _ = try await made()
        #expect(try await account.front().calls["ec2:DescribeVpcs"] == 4)
    }

    /// A create without a token whose answer is lost may have taken place: it is sent once.
    @Test(arguments: lost)
    func aCreateWithoutTokenIsNotRepeated(fault: String) async throws {
        // libcurl would send again on a kept connection by itself.
        _ = try await made()
        try await account.faults([fault], on: "CreateVpc")
        let error = await awsError {
            _ = try await client.call("CreateVpc", ["CidrBlock": "10.0.0.0/16"], at: account.place)
        }
        #expect(error?.kind == .answerLost && error?.providerError().kind == .answerLost)
        #expect(try await account.front().calls["ec2:CreateVpc"] == 1)
        #expect(try await made() == (fault == "lose" ? 1 : 0))
    }

    @Test(arguments: lost)
    func aCreateWithATokenIsRepeated(fault: String) async throws {
        try await account.faults([fault], on: "RunInstances")
        let answer = try await run("token-\(UUID().uuidString)")
        #expect(answer.items("instancesSet").count == 2)
        #expect(try await account.front().calls["ec2:RunInstances"] == 2)
        let all = try await client.list("DescribeInstances", items: "reservationSet", at: account.place)
        #expect(all.flatMap { $0.items("instancesSet") }.count == 2)
    }

    /// The service says that it did not begin.
    @Test(arguments: [
        "503 RequestLimitExceeded", "503 Unavailable", "503 ServiceUnavailable", "400 Throttling",
        "429 TooManyRequests",
    ])
    func whatWasPutOffIsRepeated(fault: String) async throws {
        try await account.faults([fault, fault], on: "CreateVpc")
        _ = try await client.call("CreateVpc", ["CidrBlock": "10.0.0.0/16"], at: account.place)
        #expect(try await account.front().calls["ec2:CreateVpc"] == 3)
        #expect(try await made() == 1)
    }

    /// Not for ever; and the engine does not begin anew, so that the tries do not multiply.
    @Test(arguments: [("503 RequestLimitExceeded", 10), ("503 Unavailable", 5)])
    func triesHaveAnEnd(fault: String, attempts: Int) async throws {
        try await account.faults(Array(repeating: fault, count: 20), on: "CreateVpc")
        let error = await awsError {
            _ = try await client.call("CreateVpc", ["CidrBlock": "10.0.0.0/16"], at: account.place)
        }
        #expect(error?.attempts == attempts && error?.description.contains("\(attempts) tries") == true)
        #expect(try await account.front().calls["ec2:CreateVpc"] == attempts)
        let shown = error?.providerError("network/vpc")
        #expect(shown?.kind == .rejected && shown?.help != nil && shown?.message.hasPrefix("network/vpc: ") == true)
    }

    @Test(arguments: [("retry-after=7", 7.0), ("x-amz-retry-after=2500", 2.5), ("retry-after=86400", 60)])
    func theServicesWordIsKept(header: String, seconds: Double) async throws {
        let slept = Mutex<[Duration]>([])
        let retry = AWSRetry(
            backoff: Backoff(first: .milliseconds(1)), sleep: { pause in slept.withLock { $0.append(pause) } })
        try await account.faults(["503 RequestLimitExceeded \(header)"], on: "DescribeVpcs")
        _ = try await account.client(retry: retry).call("DescribeVpcs", at: account.place)
        // The budget may add its own.
        #expect(slept.withLock { $0.first } == .seconds(seconds))
    }

    @Test func aServiceThatIsNotThereIsNamed() async throws {
        let error = await awsError {
            _ = try await client.call(
                "CreateVpc", ["CidrBlock": "10.0.0.0/16"],
                at: AWSPlace(region: "eu-central-1", endpoint: "http://127.0.0.1:1"))
        }
        #expect(error?.kind == .transient && error?.attempts == 5)
        #expect(error?.description.contains("http://127.0.0.1:1") == true && error?.help != nil)
    }

    @Test func whatIsRefusedIsTriedOnce() async throws {
        for (action, parameters, code) in [
            ("DescribeVpcs", ["Filtre.1.Name": "x"], "UnknownParameter"), ("CreateNothing", [:], "InvalidAction"),
            ("CreateSubnet", ["CidrBlock": "10.0.0.0/24", "VpcId": "vpc-0"], "InvalidVpcID.NotFound"),
        ] as [(String, QueryParameters, String)] {
            let error = await awsError { _ = try await client.call(action, parameters, at: account.place) }
            #expect(error?.code == code && error?.kind == .rejected && error?.attempts == 1)
            #expect(error?.status == 400 && error?.requestID != nil && error?.region == "eu-central-1")
            #expect(error?.isNotFound == code.hasSuffix(".NotFound"))
        }
    }

    @Test func whatPassesByItselfIsWaitedOut() async throws {
        let wait = AWSWait(["DependencyViolation"], atMost: .seconds(60))
        try await account.faults(Array(repeating: "400 DependencyViolation", count: 12), on: "DeleteVpc")
        let id = try await client.call("CreateVpc", ["CidrBlock": "10.0.0.0/16"], at: account.place).text("vpc/vpcId")
        let parameters: QueryParameters = ["VpcId": id ?? ""]
        _ = try await client.call("DeleteVpc", parameters, at: account.place, waitingOut: wait)
        #expect(try await account.front().calls["ec2:DeleteVpc"] == 13)
        try await account.faults(["400 DependencyViolation"], on: "DeleteVpc")
        let over = AWSWait(["DependencyViolation"], atMost: .zero)
        let error = await awsError {
            _ = try await client.call("DeleteVpc", parameters, at: account.place, waitingOut: over)
        }
        #expect(error?.code == "DependencyViolation" && error?.attempts == 1)
    }

    /// Many at once against a limit: all come through, and far fewer are refused than without a budget.
    @Test func aLimitIsLearnt() async throws {
        try await account.front(["limit": [5, 50]])
        let retry = AWSRetry(backoff: Backoff(first: .milliseconds(50), most: .seconds(1)))
        let client = account.client(retry: retry)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<60 { group.addTask { _ = try await client.call("DescribeVpcs", at: account.place) } }
            try await group.waitForAll()
        }
        let counts = try await account.front()
        let refused = counts.refused["RequestLimitExceeded"] ?? 0
        #expect(refused > 0 && counts.calls["ec2:DescribeVpcs"] == 60 + refused)
        #expect(client.log.counts["ec2:DescribeVpcs"] == 60 + refused)
    }

    @Test func aCancelledCallEnds() async throws {
        try await account.faults(Array(repeating: "503 RequestLimitExceeded", count: 20), on: "DescribeVpcs")
        let client = account.client(retry: AWSRetry(backoff: Backoff(first: .seconds(3_600), most: .seconds(3_600))))
        let call = Task { _ = try await client.call("DescribeVpcs", at: account.place) }
        while try await account.front().calls["ec2:DescribeVpcs"] == nil { await Task.yield() }
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }
}
