import Foundation
import OsirisTransport
import ProviderAWS
import Testing

/// Changes of the manifest: what is changed in place, and what is replaced.
struct AWSChangeTests {
    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var old: String
        var new: String
        /// By address below the target; `instance.*` for all of a type.
        var plan: [String: String]
    }

    private static let changes = [
        Change(
            testDescription: "who may log in", old: "203.0.113.0/24", new: "198.51.100.0/24, 192.0.2.7/32",
            plan: ["securityGroup.main": "update"]),
        Change(
            testDescription: "the hub's port", old: "spec:", new: "spec:\n  hub: {port: 9000}",
            plan: ["securityGroup.main": "update"]),
        Change(
            testDescription: "type", old: "t3.small", new: "t3.medium",
            plan: ["instance.m1": "update", "instance.m2": "update", "instance.m3": "update"]),
        Change(
            testDescription: "larger disk", old: "disk: 8Gi", new: "disk: 30Gi",
            plan: ["instance.m1": "update", "instance.m2": "update", "instance.m3": "update"]),
        Change(
            testDescription: "image", old: "ami-12c6146b", new: "ami-03cf127a",
            plan: ["instance.m1": "replace", "instance.m2": "replace", "instance.m3": "replace"]),
        Change(
            testDescription: "fewer machines", old: "count: 3", new: "count: 2", plan: ["instance.m3": "delete"]),
        Change(
            testDescription: "one subnet more", old: "subnets: 2", new: "subnets: 3",
            plan: ["subnet.3": "create", "routeTable.main": "update", "instance.m3": "replace"]),
        Change(
            testDescription: "one subnet less", old: "subnets: 2", new: "subnets: 1",
            plan: ["subnet.2": "delete", "routeTable.main": "update", "instance.m2": "replace"]),
        Change(
            testDescription: "no public addresses", old: "disk: 8Gi", new: "disk: 8Gi, publicAddress: false",
            plan: [
                "subnet.1": "update", "subnet.2": "update", "instance.m1": "replace", "instance.m2": "replace",
                "instance.m3": "replace",
            ]),
        Change(
            testDescription: "elastic addresses", old: "tags: {team: edge}",
            new: "tags: {team: edge}\n      aws: {elasticAddresses: true}",
            plan: ["elasticAddress.m1": "create", "elasticAddress.m2": "create", "elasticAddress.m3": "create"]),
        Change(testDescription: "network", old: "10.20.0.0", new: "10.30.0.0", plan: all("replace", but: ["keyPair"])),
        Change(testDescription: "tags", old: "{team: edge}", new: "{owner: core}", plan: all("update")),
        Change(testDescription: "region", old: "us-east-1", new: "eu-west-1", plan: all("replace")),
    ]

    private static func all(_ action: String, but without: [String] = []) -> [String: String] {
        let names = [
            "vpc.main", "subnet.1", "subnet.2", "internetGateway.main", "routeTable.main", "securityGroup.main",
            "keyPair.main", "instance.m1", "instance.m2", "instance.m3",
        ]
        let left = names.filter { name in !without.contains { name.hasPrefix($0) } }
        return Dictionary(uniqueKeysWithValues: left.map { ($0, action) })
    }

    private static let target = AWSCluster.plain.replacing("ami-12c6146b", with: "ami-12c6146b, disk: 8Gi")

    @Test(arguments: changes) func aChangeIsMadeAsPlanned(change: Change) async throws {
        let cluster = try await AWSCluster(Self.target)
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", change.old, change.new)
        #expect(try await cluster.plan() == change.plan)
        try await cluster.apply()
    }

    /// As many as for two hundred machines: a look at each type, one call that tags them all, and what is asked beforehand.
    @Test func aTagOnEverythingCostsFewCalls() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        let before = try await cluster.account.calls().values.reduce(0, +)
        try cluster.scratch.edit("cluster.yaml", "team: edge", "team: core")
        #expect(try await cluster.run("apply", "--auto-approve").status == 0)
        let calls = try await cluster.account.calls()
        #expect(calls.values.reduce(0, +) - before <= 15, "\(calls)")
    }

    /// Rules that EC2 does not take lock nobody out, and the next plan goes on with them.
    @Test func aRefusedRuleLeavesTheOldOnes() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", "0.0.0.0/0", "10.0.0.0/8")
        try await cluster.account.front(
            #"{"next": [{"on": "AuthorizeSecurityGroupIngress", "do": "400 RulesPerSecurityGroupLimitExceeded"}]}"#)
        let refused = try await cluster.run("apply", "--auto-approve")
        #expect(refused.status == 1, "\(refused)")
        #expect(try await sources(cluster) == ["0.0.0.0/0", "203.0.113.0/24"])
        #expect(try await cluster.plan() == ["securityGroup.main": "update"])
        try await cluster.apply()
    }

    /// Who may connect.
    private func sources(_ cluster: AWSCluster) async throws -> Set<String> {
        let group = try #require(try await cluster.account.list("DescribeSecurityGroups", "securityGroupInfo").first)
        return Set(group.items("ipPermissions").flatMap { $0.items("ipRanges").compactMap { $0.text("cidrIp") } })
    }

    /// The record of an update that failed says what was there before it, and the next one goes on from what is there.
    @Test func whatCameHalfWayIsTakenBack() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", "0.0.0.0/0", "10.0.0.0/8")
        try await cluster.account.front(
            #"{"next": [{"on": "RevokeSecurityGroupIngress", "do": "400 UnauthorizedOperation"}]}"#)
        #expect(try await cluster.run("apply", "--auto-approve").status == 1)
        try cluster.scratch.edit("cluster.yaml", "10.0.0.0/8", "0.0.0.0/0")
        try await cluster.apply()
        #expect(try await sources(cluster) == ["0.0.0.0/0", "203.0.113.0/24"])
    }

    @Test func anotherKeyReplacesTheMachines() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        try cluster.scratch.write(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnwhvUOPS0GJLYPMsBQRo9RFCsmMhBgFbYxuGJ0VvFr\n", to: "ops.pub")
        let plan = try await cluster.plan()
        #expect(
            plan == [
                "keyPair.main": "replace", "instance.m1": "replace", "instance.m2": "replace", "instance.m3": "replace",
            ])
        try await cluster.apply()
    }

    /// It is said at plan, before anything is changed.
    @Test func aDiskDoesNotShrink() async throws {
        let cluster = try await AWSCluster(Self.target.replacing("8Gi", with: "30Gi"))
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", "30Gi", "20Gi")
        try await expectRefusal(cluster, "its disk of 30Gi cannot shrink to 20Gi", "write `disk: 30Gi`")
    }

    /// Nobody asked for a size so far, and the image has its own.
    @Test func aDiskOfTheImageDoesNotShrink() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", "ami-12c6146b", "ami-12c6146b, disk: 5Gi")
        try await expectRefusal(cluster, "its disk of 8Gi cannot shrink to 5Gi", "write `disk: 8Gi`")
    }

    @Test func aDiskThatSomebodyGrewIsNotShrunk() async throws {
        let cluster = try await AWSCluster(Self.target)
        try await cluster.apply()
        for volume in try await cluster.account.list("DescribeVolumes", "volumeSet") {
            _ = try await cluster.account.client.call(
                "ModifyVolume", ["VolumeId": volume.text("volumeId") ?? "", "Size": "20"], at: cluster.account.place)
        }
        try await expectRefusal(cluster, "its disk of 20Gi cannot shrink to 8Gi", "write `disk: 20Gi`")
        try cluster.scratch.edit("cluster.yaml", "disk: 8Gi", "disk: 20Gi")
        try await cluster.apply()
    }

    private func expectRefusal(_ cluster: AWSCluster, _ parts: String...) async throws {
        let plan = try await cluster.run("plan")
        let text = (plan.out + plan.err).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(plan.status == 1, "\(plan)")
        for part in parts + ["set aside: `use1/instance.m3`", "cluster.yaml:10"] {
            #expect(text.contains(part), "\(part) is not in: \(text)")
        }
        let before = try await cluster.account.calls()
        let apply = try await cluster.run("apply", "--auto-approve")
        #expect(apply.status == 1, "\(apply)")
        #expect(try await cluster.account.calls()["ec2:ModifyVolume"] == before["ec2:ModifyVolume"])
    }

    /// A disk that nobody asked for has the image's size, which is not among what is read.
    @Test func aDiskIsGrownThatNobodyAskedForSoFar() async throws {
        let cluster = try await AWSCluster()
        try await cluster.apply()
        try cluster.scratch.edit("cluster.yaml", "ami-12c6146b", "ami-12c6146b, disk: 30Gi")
        let plan = try await cluster.run("plan")
        #expect(plan.out.contains("→ \"30Gi\"") && plan.out.contains("3 to update"), "\(plan)")
        try await cluster.apply()
        let volumes = try await cluster.account.list("DescribeVolumes", "volumeSet")
        #expect(volumes.map { $0.text("size") } == ["30", "30", "30"])
    }
}

/// What others change behind the provisioner's back is seen and put right.
struct AWSDriftTests {
    struct Drift: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What is changed again.
        var plan: [String: String]
        var change: @Sendable (AWSCloud.Account) async throws -> Void
    }

    private static func drift(
        _ what: String, _ plan: [String: String], _ action: String, _ listing: String, _ items: String, _ id: String,
        _ parameter: String, _ more: QueryParameters = [:]
    ) -> Drift {
        Drift(testDescription: what, plan: plan) { account in
            let item = try #require(
                try await account.list(listing, items).first {
                    AWSCloud.Account.address($0) == "use1/\(plan.keys.first ?? "")"
                })
            var parameters = more
            parameters[parameter] = item.text(id) ?? ""
            _ = try await account.client.call(action, parameters, at: account.place)
        }
    }

    private static let instances = ("DescribeInstances", "reservationSet", "instanceId")

    private static let drifts = [
        drift(
            "a rule was added", ["securityGroup.main": "update"], "AuthorizeSecurityGroupIngress",
            "DescribeSecurityGroups", "securityGroupInfo", "groupId", "GroupId",
            [
                "IpPermissions.1.IpProtocol": "udp", "IpPermissions.1.FromPort": "53", "IpPermissions.1.ToPort": "54",
                "IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0",
            ]),
        drift(
            "a rule was removed", ["securityGroup.main": "update"], "RevokeSecurityGroupIngress",
            "DescribeSecurityGroups", "securityGroupInfo", "groupId", "GroupId",
            [
                "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "8080",
                "IpPermissions.1.ToPort": "8080", "IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0",
                "IpPermissions.1.IpRanges.1.Description": "hub",
            ]),
        drift(
            "a tag was changed", ["vpc.main": "update"], "CreateTags", "DescribeVpcs", "vpcSet", "vpcId",
            "ResourceId.1", ["Tag.1.Key": "team", "Tag.1.Value": "other"]),
        drift(
            "a tag was removed", ["subnet.1": "update"], "DeleteTags", "DescribeSubnets", "subnetSet", "subnetId",
            "ResourceId.1", ["Tag.1.Key": "team"]),
        drift(
            "a mark was removed", ["instance.m1": "update"], "DeleteTags", "DescribeInstances", "reservationSet",
            "instanceId", "ResourceId.1", ["Tag.1.Key": "osiris:cluster"]),
        drift(
            "public addresses were switched off", ["subnet.2": "update"], "ModifySubnetAttribute", "DescribeSubnets",
            "subnetSet", "subnetId", "SubnetId", ["MapPublicIpOnLaunch.Value": "false"]),
        drift(
            "the default route was removed", ["routeTable.main": "update"], "DeleteRoute", "DescribeRouteTables",
            "routeTableSet", "routeTableId", "RouteTableId", ["DestinationCidrBlock": "0.0.0.0/0"]),
        drift(
            "a machine was stopped", ["instance.m2": "update"], "StopInstances", "DescribeInstances",
            "reservationSet", "instanceId", "InstanceId.1"),
        drift(
            "metadata without a token were allowed", ["instance.m3": "update"], "ModifyInstanceMetadataOptions",
            "DescribeInstances", "reservationSet", "instanceId", "InstanceId", ["HttpTokens": "optional"]),
        drift(
            "metadata were let over more hops", ["instance.m3": "update"], "ModifyInstanceMetadataOptions",
            "DescribeInstances", "reservationSet", "instanceId", "InstanceId",
            ["HttpPutResponseHopLimit": "5", "HttpTokens": "required"]),
        drift(
            "metadata were switched off", ["instance.m2": "update"], "ModifyInstanceMetadataOptions",
            "DescribeInstances", "reservationSet", "instanceId", "InstanceId",
            ["HttpEndpoint": "disabled", "HttpTokens": "required"]),
        Drift(testDescription: "the gateway was detached", plan: ["internetGateway.main": "update"]) { account in
            let item = try #require(
                try await account.list("DescribeInternetGateways", "internetGatewaySet").first)
            _ = try await account.client.call(
                "DetachInternetGateway",
                [
                    "InternetGatewayId": item.text("internetGatewayId") ?? "",
                    "VpcId": item.items("attachmentSet").first?.text("vpcId") ?? "",
                ], at: account.place)
        },
        Drift(testDescription: "a subnet lost its routes", plan: ["routeTable.main": "update"]) { account in
            let item = try #require(try await account.list("DescribeRouteTables", "routeTableSet").first)
            let association = item.items("associationSet").first?.text("routeTableAssociationId")
            _ = try await account.client.call(
                "DisassociateRouteTable", ["AssociationId": association ?? ""], at: account.place)
        },
        Drift(testDescription: "a subnet has another route table", plan: ["routeTable.main": "update"]) { account in
            let item = try #require(try await account.list("DescribeRouteTables", "routeTableSet").first)
            let other = try await account.client.call(
                "CreateRouteTable", ["VpcId": item.text("vpcId") ?? ""], at: account.place)
            let association = item.items("associationSet").first?.text("routeTableAssociationId")
            _ = try await account.client.call(
                "ReplaceRouteTableAssociation",
                ["AssociationId": association ?? "", "RouteTableId": other.text("routeTable/routeTableId") ?? ""],
                at: account.place)
        },
        Drift(testDescription: "an address was taken from its machine", plan: ["elasticAddress.m1": "update"]) {
            account in
            let item = try #require(
                try await account.list("DescribeAddresses", "addressesSet").first {
                    AWSCloud.Account.address($0) == "use1/elasticAddress.m1"
                })
            _ = try await account.client.call(
                "DisassociateAddress", ["AssociationId": item.text("associationId") ?? ""], at: account.place)
        },
        Drift(testDescription: "the key pair was deleted", plan: ["keyPair.main": "create"]) { account in
            let item = try #require(try await account.list("DescribeKeyPairs", "keySet").first)
            _ = try await account.client.call(
                "DeleteKeyPair", ["KeyName": item.text("keyName") ?? ""], at: account.place)
        },
        Drift(testDescription: "a machine has another type", plan: ["instance.m1": "update"]) { account in
            let instance = try await account.instance("m1")
            for (action, name) in [("StopInstances", "InstanceId.1"), ("ModifyInstanceAttribute", "InstanceId")] {
                var parameters: QueryParameters = [name: instance]
                if name == "InstanceId" { parameters["InstanceType.Value"] = "t3.large" }
                _ = try await account.client.call(action, parameters, at: account.place)
            }
        },
        Drift(testDescription: "a machine is in another group", plan: ["instance.m1": "update"]) { account in
            let groups = try await account.client.list(
                "DescribeSecurityGroups", items: "securityGroupInfo", at: account.place)
            let vpc = try #require(try await account.list("DescribeVpcs", "vpcSet").first?.text("vpcId"))
            let other = groups.first { $0.text("vpcId") == vpc && $0.text("groupName") == "default" }
            _ = try await account.client.call(
                "ModifyInstanceAttribute",
                ["InstanceId": try await account.instance("m1"), "GroupId.1": other?.text("groupId") ?? ""],
                at: account.place)
        },
    ]

    @Test(arguments: drifts) func itIsPutRight(drift: Drift) async throws {
        let cluster = try await AWSCluster(AWSCluster.plain + "\naws: {elasticAddresses: true}")
        try await cluster.apply()
        try await drift.change(cluster.account)
        #expect(try await cluster.plan() == drift.plan)
        let shown = try await cluster.run("drift")
        #expect(shown.out.contains("use1/\(drift.plan.keys.first ?? "")"), "\(shown)")
        try await cluster.apply()
    }
}

extension AWSCloud.Account {
    /// The identity of a machine.
    func instance(_ name: String) async throws -> String {
        let found = try await list("DescribeInstances", "reservationSet").first {
            Self.address($0) == "use1/instance.\(name)"
        }
        return try #require(found?.text("instanceId"))
    }
}
