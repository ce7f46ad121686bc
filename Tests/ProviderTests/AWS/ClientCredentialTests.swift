import Foundation
import OsirisModel
import OsirisTransport
import Synchronization
import Testing

@testable import ProviderAWS

/// Credentials that end, and what errors say.
@Suite struct ClientCredentialTests {
    let account: MotoAccount
    let home: CredentialHome

    init() async throws {
        account = try await Moto.account()
        home = try CredentialHome(account)
    }

    private func caller(_ client: AWSClient, profile: String? = nil, role: String? = nil) async throws -> String {
        let place = AWSPlace(region: "eu-central-1", profile: profile, roleARN: role)
        let answer = try await client.call("GetCallerIdentity", service: .sts, at: place)
        return answer.text("GetCallerIdentityResult/Arn") ?? ""
    }

    private func client(_ changes: [String: String] = [:], now: @escaping @Sendable () -> Date = { Date() })
        -> AWSClient
    {
        AWSClient(
            http: HTTPClient(), environment: home.environment(changes), home: home.path, retry: .hasty, now: now)
    }

    /// Ended in the middle of an apply: many calls, one renewal.
    @Test func oneRenewalServesAllCalls() async throws {
        let now = Mutex(Date())
        let clock: @Sendable () -> Date = { now.withLock { $0 } }
        let client = client(
            ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": home.imds], now: clock)
        func calls() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await client.call("DescribeVpcs", at: account.place) } }
                try await group.waitForAll()
            }
        }
        try await calls()
        #expect(try await account.front().sources == ["IMDS": 1])
        now.withLock { $0 += 3_000 }
        try await calls()
        #expect(try await account.front().sources == ["IMDS": 1])
        // Less than five minutes are left.
        now.withLock { $0 += 400 }
        try await calls()
        let counts = try await account.front()
        #expect(counts.sources == ["IMDS": 2] && counts.refused == [:])
    }

    /// Taken back before their time.
    @Test func whatTheServiceCallsEndedIsRenewedOnce() async throws {
        let client = client(["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": home.imds])
        _ = try await caller(client)
        try await account.front(["ended": [.string("ASIA\(account.number)IMDS1")]])
        _ = try await caller(client)
        #expect(try await account.front().sources == ["IMDS": 2])
        try await account.front([
            "ended": .list((1...9).map { .string("ASIA\(account.number)IMDS\($0)") })
        ])
        let error = await awsError { _ = try await caller(client) }
        #expect(error?.kind == .rejected && error?.attempts == 2 && error?.help != nil)
    }

    /// Another program wrote new keys into the file meanwhile.
    @Test func filesAreReadAnewWhenTheirKeysEnd() async throws {
        let other = try await Moto.account()
        let client = client()
        try home.write(credentials: home.keys("default", account))
        #expect(try await caller(client).contains(account.number))
        try await account.front(["ended": [.string("AKID\(account.number)")]])
        try home.write(credentials: home.keys("default", other))
        #expect(try await caller(client).contains(other.number))
    }

    @Test func oneClientServesSeveralAccounts() async throws {
        let other = try await Moto.account()
        try home.write(credentials: home.keys("a", account) + home.keys("b", other))
        let client = client()
        let role = "arn:aws:iam::\(other.number):role/ops"
        let found = try await [
            caller(client, profile: "a"), caller(client, profile: "b"), caller(client, profile: "a", role: role),
            caller(client, profile: "a"),
        ]
        let numbers = [account, other, other, account].map(\.number)
        #expect(zip(found, numbers).allSatisfy { $0.contains($1) } && found[2].contains("assumed-role/ops"))
        // One search for each identity.
        #expect(try await account.front().calls["sts:AssumeRole"] == 1)
    }

    @Test func everySourceIsNamedWithItsReason() async throws {
        let error = await awsError { _ = try await caller(client()) }
        let text = error?.description ?? ""
        for part in [
            "environment: AWS_ACCESS_KEY_ID is not set", "profile `default`: neither shared file has it",
            "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "instance metadata: AWS_EC2_METADATA_DISABLED is true",
        ] { #expect(text.contains(part), "\(text)") }
        #expect(error?.help?.contains("AWS_ACCESS_KEY_ID") == true && error?.kind == .rejected)
    }

    @Test(arguments: [
        ("[profile x]\ncredential_process = echo CANARY; exit 3", "ended with status 3"),
        ("[profile x]\ncredential_process = echo CANARY", "did not print version 1"),
        (
            "[profile x]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = y\n[profile y]\nrole_arn = z\nsource_profile = x",
            "x → y → x"
        ),
        ("[profile x]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = y\nmfa_serial = z", "MFA"),
        (
            "[profile x]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_region = eu-west-1\n"
                + "sso_start_url = https://a.example/start", "there is no login"
        ),
        ("[profile x]\nweb_identity_token_file = /none\nrole_arn = r", "cannot be read"),
        ("[profile x]\naws_access_key_id = CANARY", "without `aws_secret_access_key`"),
        ("[profile w]\nregion = eu-west-1", "neither shared file has it"),
    ])
    func aSourceThatIsSetUpAndDoesNotServeEndsTheSearch(config: String, reason: String) async throws {
        try home.write(config: config, credentials: home.keys("default", account))
        let error = await awsError { _ = try await caller(client(account.environment), profile: "x") }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.help != nil && error?.attempts == 1)
        #expect(!String(reflecting: error).contains("CANARY"))
    }

    @Test func containersAreNotAskedElsewhere() async throws {
        for url in ["http://example.com/x", "http://10.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1.example.com/"] {
            let error = await awsError {
                _ = try await caller(client(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]))
            }
            #expect(error?.description.contains("neither https nor of this machine") == true)
        }
    }

    @Test func endpointsComeFromWhereOtherToolsLook() async throws {
        try home.write(
            config: """
                [profile a]
                endpoint_url = http://a:1/
                region = eu-west-3
                [profile b]
                services = local
                endpoint_url = http://b:1
                ignore_configured_endpoint_urls = false
                [services local]
                ec2 =
                  endpoint_url = http://b:2
                [profile c]
                endpoint_url = http://c:1
                ignore_configured_endpoint_urls = true
                """)
        let ec2 = AWSService.ec2.name
        let sts = AWSService.sts.name
        let plain = await AWSSettings.load(environment: ["HOME": home.path], home: home.path)
        #expect(plain.configuredEndpoint(ec2, profile: "a") == "http://a:1")
        #expect(plain.configuredEndpoint(ec2, profile: "b") == "http://b:2")
        #expect(plain.configuredEndpoint(sts, profile: "b") == "http://b:1")
        #expect(
            plain.configuredEndpoint(ec2, profile: "c") == nil && plain.configuredEndpoint(ec2, profile: nil) == nil)
        #expect(plain.region(profile: "a") == "eu-west-3" && plain.region(profile: "b") == nil)
        let set = await AWSSettings.load(
            environment: [
                "AWS_ENDPOINT_URL": "http://e:1", "AWS_ENDPOINT_URL_EC2": "http://e:2", "AWS_REGION": "us-east-2",
            ],
            home: home.path)
        #expect(set.configuredEndpoint(ec2, profile: "b") == "http://e:2")
        #expect(set.configuredEndpoint(sts, profile: "b") == "http://e:1")
        #expect(set.region(profile: "a") == "us-east-2")
        let ignored = await AWSSettings.load(
            environment: ["AWS_ENDPOINT_URL": "http://e:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"],
            home: home.path)
        #expect(ignored.configuredEndpoint(ec2, profile: "a") == nil)
        for (region, url) in [
            ("eu-central-1", "https://ec2.eu-central-1.amazonaws.com"),
            ("cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://ec2.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "https://ec2.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "https://ec2.us-isob-east-1.sc2s.sgov.gov"),
        ] { #expect(ec2.endpoint(region: region) == url) }
    }
}

/// A home folder with the shared files of a test.
final class CredentialHome: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/osiris-aws-\(UUID().uuidString)"
    let account: MotoAccount

    init(_ account: MotoAccount) throws {
        self.account = account
        try FileManager.default.createDirectory(atPath: path + "/.aws/sso/cache", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var imds: String { "\(account.moto.endpoint)/_imds/\(account.number)" }
    var container: String { "\(account.moto.endpoint)/_container/\(account.number)" }

    func environment(_ changes: [String: String]) -> [String: String] {
        let own = [
            "HOME": path, "PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": account.moto.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        return own.merging(changes) { $1 }.filter { !$0.value.isEmpty }
    }

    func write(config: String = "", credentials: String = "") throws {
        for (name, text) in [("config", config), ("credentials", credentials)] {
            try text.write(toFile: "\(path)/.aws/\(name)", atomically: true, encoding: .utf8)
        }
    }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }

    /// A section with the keys of an account.
    func keys(_ section: String, _ account: MotoAccount) -> String {
        """
        [\(section)]
        aws_access_key_id = AKID\(account.number)
        aws_secret_access_key=CANARY-AKID\(account.number)

        """
    }
}
