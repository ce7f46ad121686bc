import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Synchronization
import Testing

@testable import ProviderAWS

/// Calls against moto, whose front checks every signature with botocore and every parameter with its description of EC2.
@Suite struct ClientTests {
    let account: MotoAccount
    let client: AWSClient

    init() async throws {
        account = try await Moto.account()
        client = account.client()
    }

    func makeVPC(_ name: String = "a", token: String? = nil) async throws -> String {
        var parameters: QueryParameters = ["CidrBlock": "10.0.0.0/16"]
        parameters.tags("vpc", ["Name": name, "osiris:cluster": "ä & b/c=d+e~'\"(*)!"])
        return try #require(try await client.call("CreateVpc", parameters, at: account.place).text("vpc/vpcId"))
    }

    func ours() async throws -> [XMLNode] {
        var parameters = QueryParameters()
        parameters.filter("tag:Name", ["a"])
        return try await client.list("DescribeVpcs", parameters, items: "vpcSet", at: account.place)
    }

    @Test func signedCallsAreTaken() async throws {
        let id = try await makeVPC()
        let found = try await ours()
        #expect(found.map { $0.text("vpcId") } == [id])
        let tags = try #require(found.first).items("tagSet")
            .reduce(into: [:]) { $0[$1.text("key") ?? ""] = $1.text("value") }
        #expect(tags == ["Name": "a", "osiris:cluster": "ä & b/c=d+e~'\"(*)!"])
        let caller = try await client.call("GetCallerIdentity", service: .sts, at: account.place)
        #expect(caller.text("GetCallerIdentityResult/Account") == account.number)
        let counts = try await account.front()
        #expect(counts.calls == ["ec2:CreateVpc": 1, "ec2:DescribeVpcs": 1, "sts:GetCallerIdentity": 1])
        #expect(counts.refused == [:] && client.log.counts == counts.calls)
    }

    /// JSON 1.1.
    @Test func parametersAreRead() async throws {
        let name = "/osiris/image"
        _ = try await client.json(
            "PutParameter", ["Name": .string(name), "Value": "ami-0ä", "Type": "String"], target: "AmazonSSM",
            service: .ssm, at: account.place)
        #expect(try await client.parameter(name, at: account.place) == "ami-0ä")
        let error = await awsError { _ = try await client.parameter("/none", at: account.place) }
        #expect(error?.code == "ParameterNotFound" && error?.isNotFound == true && error?.kind == .rejected)
    }

    @Test func regionsAndAccountsAreApart() async throws {
        _ = try await makeVPC()
        var elsewhere = account.place
        elsewhere.region = "us-west-2"
        var parameters = QueryParameters()
        parameters.filter("tag:Name", ["a"])
        #expect(try await client.list("DescribeVpcs", parameters, items: "vpcSet", at: elsewhere).isEmpty)
        let other = try await Moto.account()
        #expect(
            try await other.client().list("DescribeVpcs", parameters, items: "vpcSet", at: other.place).isEmpty)
        #expect(try await ours().count == 1)
    }

    @Test func listingsFollowTheirPages() async throws {
        let vpc = try await makeVPC()
        for number in 0..<23 {
            _ = try await client.call(
                "CreateSubnet", ["VpcId": vpc, "CidrBlock": "10.0.\(number).0/24"], at: account.place)
        }
        try await account.front(["page": 5])
        var parameters = QueryParameters()
        parameters.filter("vpc-id", [vpc])
        let found = try await client.list("DescribeSubnets", parameters, items: "subnetSet", at: account.place)
        #expect(Set(found.compactMap { $0.text("subnetId") }).count == 23)
        var counts = try await account.front()
        #expect(counts.calls["ec2:DescribeSubnets"] == 5)
        // What has no pages, or smaller ones, or is asked for by ids, is refused when it is asked for a page too large.
        for (action, items) in [
            ("DescribeKeyPairs", "keySet"), ("DescribeAddresses", "addressesSet"),
            ("DescribeRouteTables", "routeTableSet"),
            ("DescribeInstances", "reservationSet"), ("DescribeSecurityGroups", "securityGroupInfo"),
            ("DescribeInternetGateways", "internetGatewaySet"), ("DescribeVolumes", "volumeSet"),
            ("DescribeAvailabilityZones", "availabilityZoneInfo"), ("DescribeNetworkInterfaces", "networkInterfaceSet"),
            ("DescribeSecurityGroupRules", "securityGroupRuleSet"),
        ] {
            _ = try await client.list(action, items: items, at: account.place)
        }
        var large = QueryParameters()
        large.filter("instance-type", ["t3.micro"])
        for (action, items) in [
            ("DescribeInstanceTypes", "instanceTypeSet"), ("DescribeInstanceTypeOfferings", "instanceTypeOfferingSet"),
        ] {
            #expect(try await client.list(action, large, items: items, at: account.place).count == 1)
        }
        var byID = QueryParameters()
        byID.list("VpcId", [vpc])
        #expect(try await client.list("DescribeVpcs", byID, items: "vpcSet", at: account.place).count == 1)
        counts = try await account.front()
        #expect(counts.refused == [:])
    }

    @Test func dryRunsSayYesOrNo() async throws {
        let parameters: QueryParameters = ["ImageId": "ami-1", "MinCount": "1", "MaxCount": "1"]
        #expect(try await client.isAllowed("RunInstances", parameters, at: account.place))
        try await account.faults(["403 UnauthorizedOperation"], on: "RunInstances")
        #expect(try await !client.isAllowed("RunInstances", parameters, at: account.place))
    }

    @Test func connectionsAreKept() async throws {
        for _ in 0..<10 { _ = try await ours() }
        #expect(try await account.front().connections == 1)
    }

    @Test(arguments: [
        ("eu central", nil), ("x:y", nil), ("", nil), ("eu-central-1", "127.0.0.1:5000"),
        ("eu-central-1", "http://ada:CANARY@h"),
    ])
    func placesThatCannotBeAreRefused(region: String, endpoint: String?) async throws {
        let error = await awsError {
            _ = try await client.call("DescribeVpcs", at: AWSPlace(region: region, endpoint: endpoint))
        }
        #expect(error?.kind == .rejected && error?.help != nil && error?.attempts == 1)
        #expect(!String(reflecting: error).contains("CANARY"))
    }

    @Test func strangersAreRefusedWithoutTheirSecrets() async throws {
        for change in [
            ["AWS_SECRET_ACCESS_KEY": "CANARY-wrong"], ["AWS_ACCESS_KEY_ID": "AKIDNOBODY"],
            ["AWS_SESSION_TOKEN": "CANARY-token"],
        ] {
            let error = await awsError {
                _ = try await account.client(change).call("DescribeVpcs", at: account.place)
            }
            #expect(error?.kind == .rejected && error?.help != nil && error?.attempts == 1)
            let text = String(reflecting: error) + String(reflecting: error?.providerError())
            #expect(!text.contains("CANARY") && !text.contains("AKID"), "\(text)")
        }
    }

    /// One line for each try, without parameters.
    @Test func callsAreLoggedOnDemand() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/osiris-calls-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let client = account.client(["OSIRIS_CALL_LOG": path])
        try await account.faults(["503 RequestLimitExceeded"], on: "DescribeVpcs")
        var parameters = QueryParameters()
        parameters.filter("tag:Name", ["CANARY"])
        _ = try await client.list("DescribeVpcs", parameters, items: "vpcSet", at: account.place)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try Value(plainJSON: Array($0.utf8)).mapValue ?? [:] }
        #expect(lines.map { $0["attempt"] } == [1, 2] && lines.map { $0["status"] } == [503, 200])
        #expect(lines.map { $0["code"] } == ["RequestLimitExceeded", nil])
        #expect(lines.allSatisfy { $0["action"] == "DescribeVpcs" && $0["service"] == "ec2" })
        #expect(!text.contains("CANARY") && !text.contains("AKID"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}
