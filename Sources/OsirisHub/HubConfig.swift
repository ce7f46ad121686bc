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
    /// Nil to look for an engine.
    public var engine: EngineChoice?
    /// Nil for the usual places.
    public var dependencies: Dependencies?

    public init(
        address: String, cluster: String, host: String, port: Int, generation: String, tokens: [Token],
        engine: EngineChoice? = nil, dependencies: Dependencies? = nil
    ) {
        self.address = address
        self.cluster = cluster
        self.host = host
        self.port = port
        self.generation = generation
        self.tokens = tokens
        self.engine = engine
        self.dependencies = dependencies
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
        return config
    }
}

/// Why the hub cannot start; the description is for the operator.
public struct StartFailure: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}
