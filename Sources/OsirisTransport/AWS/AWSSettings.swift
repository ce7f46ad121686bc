import Foundation

/// What the environment and the shared files say, by the names that Amazon's own tools use
/// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
public struct AWSSettings: Sendable {
    let environment: [String: String]
    let home: String
    let config: AWSConfigFile
    let credentials: AWSConfigFile

    /// Reads the shared files, which may be missing, on a thread of its own.
    /// - Parameters:
    ///   - environment: also names the files: `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`.
    ///   - home: the folder of `.aws`.
    public static func load(environment: [String: String], home: String) async -> AWSSettings {
        await AWSThread.run { AWSSettings(environment: environment, home: home) }
    }

    /// As `load`, but blocks while it reads the files.
    public init(environment: [String: String], home: String) {
        func file(_ name: String, _ standard: String, _ kind: AWSConfigFile.Kind) -> AWSConfigFile {
            let path = environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? home + standard
            let full = path.hasPrefix("~/") ? home + path.dropFirst() : path
            guard let bytes = FileManager.default.contents(atPath: full) else { return AWSConfigFile() }
            return AWSConfigFile(String(decoding: bytes, as: UTF8.self), kind)
        }
        self.environment = environment
        self.home = home
        config = file("AWS_CONFIG_FILE", "/.aws/config", .config)
        credentials = file("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", .credentials)
    }

    /// The first of these variables that is not empty.
    func variable(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }

    /// The profile that counts: the one given, or else the environment's, or else `default`.
    func profileName(_ chosen: String?) -> String {
        chosen ?? variable("AWS_PROFILE", "AWS_DEFAULT_PROFILE") ?? "default"
    }

    /// Both files' values of a profile, those of the credentials file before the other's; nil if neither has it.
    func profile(_ name: String) -> [String: String]? {
        let parts = [config.profiles[name], credentials.profiles[name]].compactMap { $0?.values }
        return parts.isEmpty ? nil : parts.reduce(into: [:]) { $0.merge($1) { $1 } }
    }

    /// The region of the environment, or else of the profile; nil if neither names one.
    public func region(profile chosen: String?) -> String? {
        variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? profile(profileName(chosen))?["region"]
    }

    /// The URL that settings give for a service, without a slash at its end; nil if they give none
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
    public func configuredEndpoint(_ service: AWSServiceName, profile chosen: String?) -> String? {
        let values = profile(profileName(chosen)) ?? [:]
        let ignores = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ?? values["ignore_configured_endpoint_urls"]
        if ignores?.lowercased() == "true" { return nil }
        let section = values["services"].flatMap { config.services[$0]?.values } ?? [:]
        let found =
            variable("AWS_ENDPOINT_URL_\(service.setting.uppercased())", "AWS_ENDPOINT_URL")
            ?? section["\(service.setting).endpoint_url"] ?? values["endpoint_url"]
        guard let found, !found.isEmpty else { return nil }
        return found.hasSuffix("/") ? String(found.dropLast()) : found
    }
}

/// How one service of AWS is called in names of hosts and of settings.
public struct AWSServiceName: Sendable, Hashable {
    /// In `ec2.eu-central-1.amazonaws.com` and in the scope of signatures.
    public var host: String
    /// In `AWS_ENDPOINT_URL_EC2` and, in lower case, in a `[services]` section.
    public var setting: String

    public init(host: String, setting: String? = nil) {
        self.host = host
        self.setting = setting ?? host
    }

    /// The service's own address in a region, by the region's partition.
    public func endpoint(region: String) -> String { "https://\(host).\(region).\(Self.domain(of: region))" }

    static func domain(of region: String) -> String {
        let domains = [
            ("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("us-iso-", "c2s.ic.gov"),
            ("us-isob-", "sc2s.sgov.gov"), ("eu-isoe-", "cloud.adc-e.uk"), ("us-isof-", "csp.hci.ic.gov"),
        ]
        return domains.first { region.hasPrefix($0.0) }?.1 ?? "amazonaws.com"
    }

    /// Whether a text can be a region's name: it goes into addresses and into the scope of signatures.
    public static func isRegion(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 40
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }

    /// Whether a text can be the address of a service: scheme, host and perhaps port and path, no user and no query.
    public static func isEndpoint(_ text: String) -> Bool {
        (text.hasPrefix("http://") || text.hasPrefix("https://")) && !text.contains { "@?# ".contains($0) }
    }
}
