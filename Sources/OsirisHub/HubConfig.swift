import Foundation
import OsirisModel

/// What the provisioner writes to `hub.json` in the hub's data folder.
public struct HubConfig: Codable, Sendable, Equatable {
    /// What a token may do.
    public enum Role: String, Codable, Sendable, CaseIterable {
        /// Everything.
        case admin
        /// Read and write under `/system`.
        case deploy
        /// Call functions.
        case invoke
        /// Read under `/system`, and the metrics.
        case read
    }

    /// A token as its digest; the hub never holds the clear token at rest.
    public struct Token: Codable, Sendable, Equatable {
        /// What a caller with this token may do.
        public var role: Role
        /// `sha256:` and 64 lower-case hexadecimal digits of the SHA-256 of the token's UTF-8 bytes.
        public var sha256: String

        public init(role: Role, sha256: String) {
            self.role = role
            self.sha256 = sha256
        }
    }

    /// Where callbacks of asynchronous calls may go. Where alerts go the operator says by name.
    public struct Callbacks: Codable, Sendable, Equatable {
        /// Host names, as in `hooks.example.com` or `*.example.com`, and numeric addresses; nil allows every host.
        /// Link-local addresses are refused in any case.
        public var allow: [String]?

        public init(allow: [String]? = nil) { self.allow = allow }
    }

    /// How long records of calls are kept.
    public struct Calls: Codable, Sendable, Equatable {
        /// Hours an asynchronous call's result is kept after its end, above 0; nil for 1.
        public var resultHours: Double?
        /// Hours a call's record is kept after its end, above 0; nil for 24.
        public var recordHours: Double?
        /// Most records of ended calls, from 1; nil for 100,000.
        public var most: Int?

        public init(resultHours: Double? = nil, recordHours: Double? = nil, most: Int? = nil) {
            self.resultHours = resultHours
            self.recordHours = recordHours
            self.most = most
        }
    }

    /// Says that the hub speaks TLS.
    public struct TLS: Codable, Sendable, Equatable {
        /// The file with private key and certificate, PEM, relative to the data folder. Both in one file, so that one
        /// rename replaces them together; the hub reads it again when it changes.
        public var file: String

        public init(file: String) { self.file = file }
    }

    /// The hub's resource address, as in `here/hub.here`.
    public var address: String
    /// The cluster's name.
    public var cluster: String
    /// The IP address or host name to listen on.
    public var host: String
    /// The TCP port to listen on, 0...65535; 0 lets the system pick a free one, which `hub.pid` then tells.
    public var port: Int
    /// Opaque digest of this configuration; `/system/info` repeats it, so the provisioner knows which one runs.
    public var generation: String
    /// The accepted tokens.
    public var tokens: [Token]
    /// Nil for what holds without a word.
    public var callbacks: Callbacks?
    /// Nil for what holds without a word.
    public var calls: Calls?
    /// Whom to tell when something is wrong; nil for nobody.
    public var alerts: [AlertConfig]?
    /// Nil for plain HTTP.
    public var tls: TLS?

    public init(
        address: String, cluster: String, host: String, port: Int, generation: String, tokens: [Token],
        callbacks: Callbacks? = nil, calls: Calls? = nil, alerts: [AlertConfig]? = nil, tls: TLS? = nil
    ) {
        self.address = address
        self.cluster = cluster
        self.host = host
        self.port = port
        self.generation = generation
        self.tokens = tokens
        self.callbacks = callbacks
        self.calls = calls
        self.alerts = alerts
        self.tls = tls
    }

    /// Reads `hub.json`.
    /// - Throws: `StartFailure` when the file is missing, readable by others, or not of this form.
    public static func read(path: String) throws -> HubConfig {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StartFailure(
                "\(path) is missing or not readable. The provisioner writes it before it starts the hub.")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
        guard mode & 0o077 == 0 else {
            throw StartFailure("\(path) is open to other users. Give it mode 0600.")
        }
        let config: HubConfig
        do {
            config = try JSONDecoder().decode(HubConfig.self, from: data)
        } catch {
            throw StartFailure("\(path) is not a hub configuration: \(error)")
        }
        guard (0...65535).contains(config.port) else {
            throw StartFailure("\(path) says port \(config.port), which is not in 0...65535.")
        }
        guard config.tokens.allSatisfy({ $0.sha256.utf8.count == 71 && $0.sha256.hasPrefix("sha256:") }) else {
            throw StartFailure("\(path) has a token that is not written as sha256: and 64 hexadecimal digits.")
        }
        let calls = config.calls
        guard (calls?.resultHours ?? 1) > 0, (calls?.recordHours ?? 1) > 0, (calls?.most ?? 1) > 0 else {
            throw StartFailure("\(path) keeps calls for no time or none at all: calls must have numbers above 0.")
        }
        for alert in config.alerts ?? [] {
            guard let rate = alert.errorRate else { continue }
            guard (1...100).contains(rate.percent), (60_000...3_600_000).contains(rate.windowMs), rate.least > 0 else {
                throw StartFailure(
                    "\(path) has an alert whose errorRate is out of range: percent 1-100, windowMs 60000-3600000, least from 1."
                )
            }
        }
        return config
    }
}

/// Why the hub cannot start; the description is for the operator.
public struct StartFailure: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}
