import Foundation
import OsirisTransport
import ProviderAWS
import Synchronization
import Testing

/// AWS, played by moto behind the front of `aws.py`: started with its first test, one account for each test.
final class AWSCloud: Sendable {
    private static let shared = Task { try await AWSCloud() }
    private static let accounts = Mutex(100_000_000_000)

    private let service: Service
    private let endpoint: String

    private init() async throws {
        service = try Service("aws.py", in: "ProviderTests/AWS")
        let port = try #require(try await service.ready()["port"] as? Int)
        endpoint = "http://127.0.0.1:\(port)"
    }

    /// An account that nobody else has.
    static func account() async throws -> Account {
        let cloud = try await shared.value
        let number = accounts.withLock { number in
            number += 1
            return String(number)
        }
        let account = Account(number: number, endpoint: cloud.endpoint)
        // The program may do what the policy of the docs allows, and no more.
        try await account.front("{\"policy\": \"\(policy.path)\"}")
        return account
    }

    static let policy = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../docs/providers/aws-policy.json").standardizedFileURL

    struct Account: Sendable {
        let number: String
        let endpoint: String
        let place = AWSPlace(region: "us-east-1")
        let client: AWSClient

        init(number: String, endpoint: String) {
            self.number = number
            self.endpoint = endpoint
            client = AWSClient(
                http: HTTPClient(), environment: Self.environment("AKIR", number, endpoint), home: "/nowhere")
        }

        /// For the program.
        var environment: [String: String] { Self.environment("AKID", number, endpoint) }

        /// - Parameter kind: of the access key: `AKIR` may do everything, `AKID` what the policy allows.
        private static func environment(_ kind: String, _ number: String, _ endpoint: String) -> [String: String] {
            [
                "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "\(kind)\(number)",
                "AWS_SECRET_ACCESS_KEY": "CANARY-\(kind)\(number)", "AWS_EC2_METADATA_DISABLED": "true",
            ]
        }

        /// Tells the front of faults to make; see `aws.py`.
        /// - Returns: what it has counted so far.
        @discardableResult func front(_ settings: String = "{}") async throws -> [String: Any] {
            let request = HTTPRequest("POST", "\(endpoint)/_front/\(number)", body: Array(settings.utf8))
            let answer = try await HTTPClient().send(request)
            return try #require(
                try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
        }

        /// Calls so far, by action.
        func calls() async throws -> [String: Int] { try #require(try await front()["calls"] as? [String: Int]) }

        func list(_ action: String, _ items: String) async throws -> [XMLNode] {
            var parameters = QueryParameters()
            if action == "DescribeInstances" {
                parameters.filter("instance-state-name", ["pending", "running", "stopping", "stopped"])
            } else if action != "DescribeAddresses" && action != "DescribeKeyPairs" {
                parameters.filter("tag-key", ["osiris:cluster"])
            }
            let found = try await client.list(action, parameters, items: items, at: place)
            return action == "DescribeInstances" ? found.flatMap { $0.items("instancesSet") } : found
        }

        /// Of all that is there and carries marks: how often each address.
        func addresses() async throws -> [String: Int] {
            var counts: [String: Int] = [:]
            for (action, items) in Self.listings {
                for item in try await list(action, items) {
                    if let address = Self.address(item) { counts[address, default: 0] += 1 }
                }
            }
            return counts
        }

        /// As marked. Instances of one call have the same list of names, and each is the entry of its launch index.
        static func address(_ item: XMLNode) -> String? {
            let tag = item.items("tagSet").first { $0.text("key") == "osiris:address" }
            guard let names = tag?.text("value")?.split(separator: " "), let first = names.first else { return nil }
            let index = names.count > 1 ? Int(item.text("amiLaunchIndex") ?? "") ?? -1 : 0
            guard names.indices.contains(index) else { return nil }
            return index == 0 ? String(first) : first.prefix { $0 != "." } + "." + names[index]
        }

        private static let listings = [
            ("DescribeVpcs", "vpcSet"), ("DescribeSubnets", "subnetSet"),
            ("DescribeInternetGateways", "internetGatewaySet"), ("DescribeRouteTables", "routeTableSet"),
            ("DescribeSecurityGroups", "securityGroupInfo"), ("DescribeKeyPairs", "keySet"),
            ("DescribeInstances", "reservationSet"), ("DescribeAddresses", "addressesSet"),
        ]
    }
}

/// A manifest with one `aws` target, and the program that applies it.
struct AWSCluster {
    let account: AWSCloud.Account
    let scratch: Scratch

    /// - Parameter target: the lines of the target behind its provider.
    init(_ target: String = Self.plain) async throws {
        account = try await AWSCloud.account()
        scratch = try Scratch()
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOhdOsqwbxhbJ9XQgQb6wPvbxsbUWl4LRsWIyeBCOhj ops\n"
        try scratch.write(key, to: "ops.pub")
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              targets:
                - name: use1
                  provider: aws
                  region: us-east-1
                  \(target.replacing("\n", with: "\n      "))

            """, to: "cluster.yaml")
    }

    static let plain = """
        network: {cidr: 10.20.0.0/16, subnets: 2}
        machines: {count: 3, type: t3.small, image: ami-12c6146b}
        access: {ssh: {from: [203.0.113.0/24], publicKey: ops.pub}, hub: {from: [0.0.0.0/0]}}
        tags: {team: edge}
        """

    func run(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: account.environment, in: scratch.url).wait()
    }

    /// Applies, and expects that nothing is left to do.
    func apply() async throws {
        let answer = try await run("apply", "--auto-approve")
        #expect(answer.status == 0, "\(answer)")
        try await expectNothingToDo()
    }

    func expectNothingToDo() async throws {
        let answer = try await run("plan", "--detailed-exitcode")
        #expect(answer.status == 0, "\(answer)")
        #expect(!answer.out.contains("rift"), "\(answer)")
    }

    /// The changes of a plan: address to action.
    func plan() async throws -> [String: String] {
        let answer = try await run("plan", "--format", "json")
        #expect(answer.status == 0, "\(answer)")
        let plan = try #require(try answer.json as? [String: Any])
        let changes = try #require(plan["changes"] as? [[String: Any]])
        var found: [String: String] = [:]
        for change in changes {
            if let address = change["address"] as? String, let action = change["action"] as? String {
                found[String(address.dropFirst("use1/".count))] = action
            }
        }
        return found
    }
}
