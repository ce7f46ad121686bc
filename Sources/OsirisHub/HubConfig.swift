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

        /// True for `sha256:` and 64 lower-case hexadecimal digits.
        static func isDigest(_ text: String) -> Bool {
            text.hasPrefix("sha256:") && text.utf8.count == 71
                && text.utf8.dropFirst(7).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        }
    }

    /// How many requests the hub takes.
    public struct Rates: Codable, Sendable, Equatable {
        /// Of each token that has no rate of its own and not the role admin; nil for as many as come.
        public var token: Rate?
        /// Without a valid token, of each client's address; nil for 20 at once and then one per second.
        public var failures: Rate?

        public init(token: Rate? = nil, failures: Rate? = nil) {
            self.token = token
            self.failures = failures
        }
    }

    /// The container engine that the hub uses.
    public struct EngineChoice: Codable, Sendable, Equatable {
        /// Path of its Unix socket; nil to look for it.
        public var socket: String?

        public init(socket: String? = nil) { self.socket = socket }
    }

    /// Where what functions need is fetched from.
    public struct Dependencies: Codable, Sendable, Equatable {
        /// URL of a package index for `pip`; nil for pip's own.
        public var pipIndex: String?
        /// URL of a registry for `npm`; nil for npm's own.
        public var npmRegistry: String?

        public init(pipIndex: String? = nil, npmRegistry: String? = nil) {
            self.pipIndex = pipIndex
            self.npmRegistry = npmRegistry
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

    /// How many interpreters are kept started without a function.
    public struct Warm: Codable, Sendable, Equatable {
        /// For each kind that functions could use, 0...16; nil for 1; 0 for none.
        public var each: Int?
        /// Altogether, 0...64; nil for 8.
        public var most: Int?
        /// Their resident memory, bytes, from 0; nil for 256 MiB.
        public var bytes: Int?

        public init(each: Int? = nil, most: Int? = nil, bytes: Int? = nil) {
            self.each = each
            self.most = most
            self.bytes = bytes
        }

        var isValid: Bool { (0...16).contains(each ?? 1) && (0...64).contains(most ?? 8) && bytes ?? 0 >= 0 }
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
    /// Nil for none.
    public var rates: Rates?
    /// Nil to look for an engine.
    public var engine: EngineChoice?
    /// Nil for the usual places.
    public var dependencies: Dependencies?
    /// Nil for what holds without a word.
    public var callbacks: Callbacks?
    /// Nil for what holds without a word.
    public var calls: Calls?
    /// Whom to tell when something is wrong; nil for nobody.
    public var alerts: [AlertConfig]?
    /// Nil for plain HTTP.
    public var tls: TLS?
    /// Nil for what holds without a word.
    public var warm: Warm?

    public init(
        address: String, cluster: String, host: String, port: Int, generation: String, tokens: [Token],
        rates: Rates? = nil, callbacks: Callbacks? = nil, calls: Calls? = nil, alerts: [AlertConfig]? = nil,
        tls: TLS? = nil, engine: EngineChoice? = nil, dependencies: Dependencies? = nil, warm: Warm? = nil
    ) {
        self.address = address
        self.cluster = cluster
        self.host = host
        self.port = port
        self.generation = generation
        self.tokens = tokens
        self.rates = rates
        self.engine = engine
        self.dependencies = dependencies
        self.callbacks = callbacks
        self.calls = calls
        self.alerts = alerts
        self.tls = tls
        self.warm = warm
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
        guard config.tokens.allSatisfy({ Token.isDigest($0.sha256) }) else {
            throw StartFailure("\(path) has a token that is not written as sha256: and 64 hexadecimal digits.")
        }
        guard [config.rates?.token, config.rates?.failures].allSatisfy({ $0?.isValid ?? true }) else {
            throw StartFailure("\(path) has a rate that is not above 0, or above 1000000.")
        }
        let calls = config.calls
        guard (calls?.resultHours ?? 1) > 0, (calls?.recordHours ?? 1) > 0, (calls?.most ?? 1) > 0 else {
            throw StartFailure("\(path) keeps calls for no time or none at all: calls must have numbers above 0.")
        }
        guard config.warm?.isValid ?? true else {
            throw StartFailure("\(path) says warm out of range: each 0-16, most 0-64, bytes from 0.")
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
