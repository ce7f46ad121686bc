import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import ProviderAWS

/// The same files and environment, asked by us and by botocore: whose credentials are they?
@Suite struct ClientCredentialOracleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var environment: [String: String] = [:]
        var config = ""
        var credentials = ""
        var profile: String?

        var testDescription: String { name }
    }

    // `{1}` to `{3}` stand for three accounts, `{url}` for the front, `{home}` for the home folder.
    static func keys(_ account: Int) -> String {
        "aws_access_key_id = AKID{\(account)}\naws_secret_access_key = CANARY-AKID{\(account)}\n"
    }

    static let environmentKeys = [
        "AWS_ACCESS_KEY_ID": "AKID{1}", "AWS_SECRET_ACCESS_KEY": "CANARY-AKID{1}",
    ]
    static let container = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/_container/{2}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "CANARY-container",
    ]
    static let imds = [
        "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}/_imds/{3}",
    ]
    static let role = "role_arn = arn:aws:iam::{3}:role/ops\nrole_session_name = here\n"
    static let process =
        #"credential_process = printf '{"Version": 1, "AccessKeyId": "AKID{2}", "SecretAccessKey": "%s"}' CANARY-AKID{2}"#
    static let sso = "sso_account_id = {2}\nsso_role_name = admin\n"

    static let cases: [Case] = [
        Case(name: "environment", environment: environmentKeys),
        Case(
            name: "environment before AWS_PROFILE",
            environment: environmentKeys.merging(["AWS_PROFILE": "b"]) { $1 }, credentials: "[b]\n" + keys(2)),
        Case(
            name: "chosen profile before environment", environment: environmentKeys, credentials: "[b]\n" + keys(2),
            profile: "b"),
        Case(
            name: "chosen profile without keys does not fall back to the environment", environment: environmentKeys,
            config: "[profile b]\nregion = eu-west-1", profile: "b"),
        Case(
            name: "half of the environment", environment: ["AWS_ACCESS_KEY_ID": "AKID{1}"],
            credentials: "[default]\n" + keys(2)),
        Case(name: "default profile", credentials: "[default]\n" + keys(1) + "[b]\n" + keys(2)),
        Case(
            name: "AWS_PROFILE", environment: ["AWS_PROFILE": "b"],
            credentials: "[default]\n" + keys(1) + "[b]\n" + keys(2)),
        Case(name: "AWS_DEFAULT_PROFILE", environment: ["AWS_DEFAULT_PROFILE": "b"], credentials: "[b]\n" + keys(2)),
        Case(name: "profile that is nowhere", environment: ["AWS_PROFILE": "c"], credentials: "[default]\n" + keys(1)),
        Case(name: "config file", config: "[default]\n" + keys(1)),
        Case(
            name: "named profile of the config file", config: "[profile b]\n" + keys(2) + "[b]\n" + keys(1),
            profile: "b"),
        Case(name: "quoted profile", config: "[profile \"b c\"]\n" + keys(2), profile: "b c"),
        Case(
            name: "credentials file before config file", config: "[default]\n" + keys(1),
            credentials: "[default]\n" + keys(2)),
        Case(
            name: "comments and odd spaces",
            credentials:
                "# a\n; b\n[ default ]\n[default]\n  # c\naws_access_key_id=AKID{1}\n\naws_secret_access_key   =   CANARY-AKID{1}\n"
        ),
        Case(
            name: "upper case",
            credentials: "[default]\nAWS_ACCESS_KEY_ID=AKID{1}\nAws_Secret_Access_Key=CANARY-AKID{1}\n"),
        Case(name: "nested values", config: "[default]\ns3 =\n  aws_access_key_id = AKID{2}\n" + keys(1)),
        Case(name: "half a profile", credentials: "[default]\naws_access_key_id = AKID{1}\n"),
        Case(
            name: "other files",
            environment: ["AWS_SHARED_CREDENTIALS_FILE": "{home}/other", "AWS_CONFIG_FILE": "~/config"],
            credentials: "[default]\n" + keys(1)),
        Case(
            name: "role", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + keys(1), profile: "a"),
        Case(
            name: "role of the default profile before its keys", config: "[default]\n" + role + "source_profile = b\n",
            credentials: "[default]\n" + keys(1) + "[b]\n" + keys(2)),
        Case(
            name: "role in the credentials file", credentials: "[a]\n" + role + "source_profile = b\n[b]\n" + keys(2),
            profile: "a"),
        Case(
            name: "chain of roles",
            config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n"
                + role.replacing("{3}", with: "{2}").replacing("ops", with: "hop") + "source_profile = c\n[profile c]\n"
                + keys(1), profile: "a"),
        Case(
            name: "chain that ends at keys beside a role",
            config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + keys(1)
                + "role_arn = none\nsource_profile = c",
            profile: "a"),
        Case(
            name: "role with its own keys", config: "[profile a]\n" + role + "source_profile = a\n" + keys(1),
            profile: "a"),
        Case(
            name: "role with itself and no keys", config: "[profile a]\n" + role + "source_profile = a\n", profile: "a"),
        Case(
            name: "loop",
            config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n",
            profile: "a"),
        Case(name: "source that is nowhere", config: "[profile a]\n" + role + "source_profile = z\n", profile: "a"),
        Case(
            name: "source without keys", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\nregion = x",
            profile: "a"),
        Case(
            name: "role with two sources",
            config: "[profile a]\n" + role + "source_profile = b\ncredential_source = Environment\n[profile b]\n"
                + keys(1),
            profile: "a"),
        Case(
            name: "role without source", config: "[profile a]\n" + role, credentials: "[default]\n" + keys(1),
            profile: "a"),
        Case(
            name: "role from the environment", environment: environmentKeys,
            config: "[profile a]\n" + role + "credential_source = Environment\n", profile: "a"),
        Case(
            name: "role from the container", environment: container,
            config: "[profile a]\n" + role + "credential_source = EcsContainer\n", profile: "a"),
        Case(
            name: "role from the instance", environment: imds,
            config: "[profile a]\n" + role + "credential_source = Ec2InstanceMetadata\n", profile: "a"),
        Case(
            name: "role from nowhere known", config: "[profile a]\n" + role + "credential_source = Moon\n", profile: "a"
        ),
        Case(
            name: "role from a process", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + process,
            profile: "a"),
        Case(
            name: "web identity by the environment",
            environment: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": "arn:aws:iam::{2}:role/web",
                "AWS_ROLE_SESSION_NAME": "here",
            ], credentials: "[default]\n" + keys(1)),
        Case(
            name: "web identity by a profile",
            config: "[profile a]\nweb_identity_token_file = {home}/token\n" + role, profile: "a"),
        Case(
            name: "chosen profile before web identity by the environment",
            environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": "arn:aws:iam::{2}:role/web"],
            credentials: "[b]\n" + keys(1), profile: "b"),
        Case(
            name: "web identity without a role", environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token"],
            credentials: "[default]\n" + keys(1)),
        Case(
            name: "web identity as the source of a role",
            config: "[profile a]\n" + role + "source_profile = b\n[profile b]\nweb_identity_token_file = {home}/token\n"
                + role.replacing("{3}", with: "{2}"), profile: "a"),
        Case(name: "process", config: "[default]\n" + process),
        Case(name: "process before keys of the config file", config: "[default]\n" + keys(1) + process),
        Case(
            name: "keys of the credentials file before a process", config: "[default]\n" + process,
            credentials: "[default]\n" + keys(1)),
        Case(name: "process that fails", environment: container, config: "[default]\ncredential_process = false"),
        Case(
            name: "process of another version",
            config: "[default]\n" + process.replacing("1,", with: "2,")),
        Case(name: "container", environment: container),
        Case(
            name: "container with a token file",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/_container/{2}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/container-token",
            ]),
        Case(
            name: "container that refuses",
            environment: imds.merging(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/_container/{2}"]) { $1 }),
        Case(name: "container before instance", environment: container.merging(imds) { $1 }),
        Case(name: "instance", environment: imds),
        Case(name: "keys before instance", environment: imds, credentials: "[default]\n" + keys(1)),
        Case(
            name: "SSO session",
            config: "[profile a]\nsso_session = team\n" + sso
                + "[sso-session team]\nsso_region = eu-west-1\nsso_start_url = https://a.example/start\n", profile: "a"),
        Case(
            name: "SSO without a session",
            config: "[profile a]\nsso_region = eu-west-1\nsso_start_url = https://a.example/start\n" + sso, profile: "a"
        ),
        Case(
            name: "SSO before keys of the credentials file",
            config: "[default]\nsso_session = team\n" + sso
                + "[sso-session team]\nsso_region = eu-west-1\nsso_start_url = https://a.example/start\n",
            credentials: "[default]\n" + keys(1)),
        Case(
            name: "SSO that is not complete", config: "[default]\nsso_session = team\n" + sso,
            credentials: "[default]\n" + keys(1)),
        Case(name: "nothing"),
    ]

    private static let oracle = Task { try await Oracle() }

    @Test(arguments: cases)
    func whoseTheyAre(one: Case) async throws {
        let accounts = [try await Moto.account(), try await Moto.account(), try await Moto.account()]
        let home = try CredentialHome(accounts[0])
        func fill(_ text: String) -> String {
            accounts.enumerated().reduce(text) { $0.replacing("{\($1.offset + 1)}", with: $1.element.number) }
                .replacing("{url}", with: accounts[0].moto.endpoint).replacing("{home}", with: home.path)
        }
        try home.write(config: fill(one.config), credentials: fill(one.credentials))
        try home.write("token", "CANARY-web-identity")
        try home.write("container-token", "CANARY-container")
        try home.write("other", fill("[default]\n" + Self.keys(2)))
        let login = #"{"accessToken": "CANARY-sso", "expiresAt": "2999-01-01T00:00:00Z"}"#
        // SHA-1 of `team` and of the start URL.
        for name in [Self.teamDigest, Self.startDigest] { try home.write(".aws/sso/cache/\(name).json", login) }
        let own = one.environment.mapValues(fill).merging([
            "AWS_ENDPOINT_URL_SSO": fill("{url}/_sso/{1}"), "AWS_DEFAULT_REGION": "eu-central-1",
        ]) { $1 }
        let environment = home.environment(own)
        let expected = try await Self.oracle.value.ask(environment, profile: one.profile)

        let client = AWSClient(http: HTTPClient(), environment: environment, home: home.path, retry: .hasty)
        let place = AWSPlace(region: "eu-central-1", profile: one.profile)
        do {
            let answer = try await client.call("GetCallerIdentity", service: .sts, at: place)
            let arn = try #require(answer.text("GetCallerIdentityResult/Arn"))
            let theirs = expected["arn"]?.stringValue
            #expect(theirs.map(Self.plain) == Self.plain(arn), "botocore says \(expected)")
        } catch let error as AWSError {
            #expect(expected["error"] != nil, "\(error); botocore says \(expected)")
            #expect(error.help != nil && !String(reflecting: error).contains("CANARY"))
        }
    }

    static let teamDigest = "d25187dc137f35c88bc80ec8c3ffbdb17b5eb873"
    static let startDigest = "556613736b76cf49ce482ee536411eadde74247c"

    /// Without the name of the session, which each program makes up.
    private static func plain(_ arn: String) -> String {
        arn.contains("assumed-role") ? arn.split(separator: "/").dropLast().joined(separator: "/") : arn
    }

    private actor Oracle {
        private let service: Service
        private var last: Task<[String: Value], any Error>

        init() async throws {
            let service = try Service("credentials.py")
            self.service = service
            last = Task { try await service.line() }
            _ = try await last.value
        }

        /// One question after the other.
        func ask(_ environment: [String: String], profile: String?) async throws -> [String: Value] {
            let question: Value = [
                "environment": .map(environment.mapValues { .string($0) }),
                "profile": profile.map { .string($0) } ?? .null,
            ]
            let before = last
            let next = Task { [service] in
                _ = try? await before.value
                try service.say(String(decoding: question.plainJSON(), as: UTF8.self))
                return try await service.line()
            }
            last = next
            return try await next.value
        }
    }
}
