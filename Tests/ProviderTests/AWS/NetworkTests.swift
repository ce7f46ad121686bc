import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Testing

@testable import ProviderAWS

/// The objects of a network, each by its handler against moto.
private struct Run {
    let account: MotoAccount
    let client: AWSClient
    let provider: AWSProvider
    let vpc: String

    init() async throws {
        account = try await Moto.account()
        client = account.client()
        provider = AWSProvider(hubVersion: "1", client: client)
        vpc = try #require(
            try await client.list("DescribeVpcs", items: "vpcSet", at: account.place).first?.text("vpcId"))
    }

    private var cluster: Cluster {
        ProviderTests.cluster(
            in: "/nowhere", targets: [target("use1", "aws", ["region": .string(account.place.region)])])
    }

    private func request(_ type: String, _ planned: Attributes, _ prior: Attributes) -> OperationRequest {
        OperationRequest(
            cluster: cluster, address: ResourceAddress("use1/\(type).main")!,
            planned: planned.merging(["region": .string(account.place.region)]) { $1 }, prior: prior, ancestors: [],
            token: "token-\(type)", owner: Ownership(lineage: "l", fencing: 1))
    }

    func create(_ type: String, _ planned: Attributes) async throws -> Attributes {
        try await provider.handler(type).create(request(type, planned, [:]))
    }

    @discardableResult
    func update(_ type: String, _ prior: Attributes, to planned: Attributes) async throws -> Attributes {
        try await provider.handler(type).update(request(type, planned, prior))
    }

    /// As EC2 has it now.
    func read(_ type: String, _ recorded: Attributes) async throws -> Attributes {
        try #require(try await answer(type, recorded).attributes)
    }

    func answer(_ type: String, _ recorded: Attributes) async throws -> ReadResult {
        let address = ResourceAddress("use1/\(type).main")!
        let answers = await provider.handler(type).read(
            [ReadRequest(address: address, recorded: recorded, ancestors: [])], of: cluster)
        return try #require(answers.first)
    }

    func call(_ action: String, _ parameters: QueryParameters) async throws -> XMLNode {
        try await client.call(action, parameters, at: account.place)
    }

    /// A network besides the one that is there.
    func otherNetwork() async throws -> String {
        try #require(try await call("CreateVpc", ["CidrBlock": "10.99.0.0/16"]).text("vpc/vpcId"))
    }

    func id(_ found: Attributes) throws -> String { try #require(found["id"]?.stringValue) }
}

struct AWSSecurityGroupTests {
    private func group(_ run: Run, _ rules: [String: Value]) -> Attributes {
        ["vpc": .string(run.vpc), "name": "group", "rules": .map(rules)]
    }

    private static let anybody = "tcp 8080 0.0.0.0/0"
    private static let office = "tcp 8080 10.0.0.0/8"
    private static let ops = "tcp 22 203.0.113.0/24"

    /// Nobody is locked out by rules that EC2 does not take.
    @Test func oldRulesStayUntilTheNewOnesAreThere() async throws {
        let run = try await Run()
        let made = try await run.create("securityGroup", group(run, [Self.anybody: "hub"]))
        try await run.account.faults(
            ["400 RulesPerSecurityGroupLimitExceeded"], on: "AuthorizeSecurityGroupIngress")
        let error = await providerError {
            try await run.update("securityGroup", made, to: group(run, [Self.office: "hub"]))
        }
        #expect(error?.message.contains("RulesPerSecurityGroupLimitExceeded") == true, "\(String(describing: error))")
        #expect(try await run.read("securityGroup", made)["rules"] == [Self.anybody: "hub"])
        try await run.update("securityGroup", made, to: group(run, [Self.office: "hub"]))
        #expect(try await run.read("securityGroup", made)["rules"] == [Self.office: "hub"])
    }

    /// What an update that failed half way has left is taken away again.
    @Test func whatFailedHalfWayIsTakenBack() async throws {
        let run = try await Run()
        let made = try await run.create("securityGroup", group(run, [Self.anybody: "hub"]))
        try await run.account.faults(["400 UnauthorizedOperation"], on: "RevokeSecurityGroupIngress")
        let error = await providerError {
            try await run.update("securityGroup", made, to: group(run, [Self.office: "hub"]))
        }
        #expect(error != nil)
        let between = try await run.read("securityGroup", made)
        #expect(between["rules"] == [Self.anybody: "hub", Self.office: "hub"])
        try await run.update("securityGroup", between, to: group(run, [Self.anybody: "hub"]))
        #expect(try await run.read("securityGroup", made)["rules"] == [Self.anybody: "hub"])
    }

    /// One rule that is gone already refuses the call for all of them.
    @Test func rulesAreRemovedThoughOneIsGone() async throws {
        let run = try await Run()
        let made = try await run.create("securityGroup", group(run, [Self.anybody: "hub", Self.ops: "ssh"]))
        try await run.account.faults(["400 InvalidPermission.NotFound"], on: "RevokeSecurityGroupIngress")
        try await run.update("securityGroup", made, to: group(run, [:]))
        #expect(try await run.read("securityGroup", made)["rules"] == [:])
    }

    /// Both are named, and which of them the state knows.
    @Test func aSecondObjectWithTheMarksIsTold() async throws {
        let run = try await Run()
        let made = try await run.create("securityGroup", group(run, [:]))
        let id = try run.id(made)
        let groups = try await run.client.items(.securityGroup, ["group-id": [id]], run.account.place)
        var parameters: QueryParameters = [
            "GroupName": "copy", "GroupDescription": "copy", "VpcId": run.vpc,
        ]
        parameters.tags("security-group", try #require(groups.first).tags)
        let other = try #require(try await run.call("CreateSecurityGroup", parameters).text("groupId"))
        let reason = try #require(try await run.answer("securityGroup", made).reason)
        #expect(reason.contains("the state has \(id) in eu-central-1, and \(other) has the marks"), "\(reason)")
    }

    /// A rule that is for something else by now is never away.
    @Test func anotherPurposeLeavesTheRule() async throws {
        let run = try await Run()
        let made = try await run.create("securityGroup", group(run, [Self.anybody: "hub", Self.ops: "ssh"]))
        let before = try await run.account.front().calls
        try await run.update("securityGroup", made, to: group(run, [Self.anybody: "web", Self.ops: "ssh"]))
        #expect(try await run.read("securityGroup", made)["rules"] == [Self.anybody: "web", Self.ops: "ssh"])
        let after = try await run.account.front().calls
        for action in ["ec2:RevokeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupIngress"] {
            #expect(after[action] == before[action], "\(action)")
        }
    }
}

struct AWSRouteTableTests {
    private func table(_ run: Run, _ gateway: String, _ subnets: [String]) -> Attributes {
        [
            "vpc": .string(run.vpc), "gateway": .string(gateway), "subnets": .list(subnets.map(Value.string)),
        ]
    }

    /// The table of each subnet that has one.
    private func tables(_ run: Run) async throws -> [String: String] {
        var found: [String: String] = [:]
        for table in try await run.client.list("DescribeRouteTables", items: "routeTableSet", at: run.account.place) {
            for association in table.items("associationSet") {
                if let subnet = association.word("subnetId") { found[subnet] = table.text("routeTableId") }
            }
        }
        return found
    }

    private func prepared() async throws -> (run: Run, gateway: String, subnets: [String]) {
        let run = try await Run()
        let gateway = try #require(
            try await run.call("CreateInternetGateway", [:]).text("internetGateway/internetGatewayId"))
        let subnets = try await run.client.list("DescribeSubnets", items: "subnetSet", at: run.account.place)
            .compactMap { $0.text("subnetId") }
        return (run, gateway, Array(subnets.prefix(2)))
    }

    @Test func aSubnetIsTakenFromAnotherTable() async throws {
        let (run, gateway, subnets) = try await prepared()
        let made = try await run.create("routeTable", table(run, gateway, [subnets[0]]))
        let other = try #require(
            try await run.call("CreateRouteTable", ["VpcId": run.vpc]).text("routeTable/routeTableId"))
        _ = try await run.call("AssociateRouteTable", ["RouteTableId": other, "SubnetId": subnets[1]])
        try await run.update("routeTable", made, to: table(run, gateway, subnets))
        let id = try run.id(made)
        #expect(try await tables(run) == [subnets[0]: id, subnets[1]: id])
    }

    /// EC2 says that it has a table already. That need not be this one.
    @Test func aSubnetThatHasATableAlreadyDoesNotCountAsDone() async throws {
        let (run, gateway, subnets) = try await prepared()
        let made = try await run.create("routeTable", table(run, gateway, [subnets[0]]))
        try await run.account.faults(["400 Resource.AlreadyAssociated"], on: "AssociateRouteTable")
        let error = await providerError {
            try await run.update("routeTable", made, to: table(run, gateway, subnets))
        }
        #expect(error?.message.contains(subnets[1]) == true, "\(String(describing: error))")
    }
}

struct AWSInternetGatewayTests {
    @Test func aGatewayOfAnotherNetworkDoesNotCountAsAttached() async throws {
        let run = try await Run()
        let network = try await run.otherNetwork()
        let made = try await run.create("internetGateway", ["vpc": .string(network)])
        let (id, third) = (try run.id(made), try await run.otherNetwork())
        _ = try await run.call("DetachInternetGateway", ["InternetGatewayId": id, "VpcId": network])
        var detached = made
        detached["attached"] = false
        _ = try await run.call("AttachInternetGateway", ["InternetGatewayId": id, "VpcId": third])
        let error = await providerError {
            try await run.update("internetGateway", detached, to: ["vpc": .string(network)])
        }
        #expect(error?.message.contains("is attached to \(third)") == true, "\(String(describing: error))")
    }

    /// The answer of the first try was lost.
    @Test func aGatewayThatIsAttachedIsDone() async throws {
        let run = try await Run()
        let network = try await run.otherNetwork()
        let made = try await run.create("internetGateway", ["vpc": .string(network)])
        let id = try run.id(made)
        _ = try await run.call("DetachInternetGateway", ["InternetGatewayId": id, "VpcId": network])
        var detached = made
        detached["attached"] = false
        try await run.account.faults(["lose"], on: "AttachInternetGateway")
        let error = await providerError {
            try await run.update("internetGateway", detached, to: ["vpc": .string(network)])
        }
        #expect(error != nil)
        try await run.update("internetGateway", detached, to: ["vpc": .string(network)])
        #expect(try await run.read("internetGateway", made)["attached"] == true)
    }
}
