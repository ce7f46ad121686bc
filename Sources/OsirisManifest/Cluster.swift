import OsirisDiagnostics
import OsirisModel

/// A checked manifest: what the user wants, with the place of every value.
public struct Cluster: Sendable {
    /// `metadata.name`: a DNS label.
    public var name: String
    public var hub: HubSpec
    /// In the manifest's order; names are unique in a namespace.
    public var functions: [FunctionSpec]
    /// In the manifest's order; names are unique.
    public var targets: [Target]
    public var safety: SafetySpec
    public var rollout: RolloutSpec
    /// What had another name before, in the manifest's order.
    public var moved: [MovedSpec]
    /// `sha256:…` over all manifest files, function sources and variable values (secrets by salted digest).
    public var digest: String
    /// The manifest's folder, absolute; relative paths start here.
    public var folder: String
    public var spans: SpanMap

    public init(
        name: String, hub: HubSpec, functions: [FunctionSpec], targets: [Target], safety: SafetySpec,
        rollout: RolloutSpec = RolloutSpec(), moved: [MovedSpec] = [], digest: String, folder: String, spans: SpanMap
    ) {
        self.name = name
        self.hub = hub
        self.functions = functions
        self.targets = targets
        self.safety = safety
        self.rollout = rollout
        self.moved = moved
        self.digest = digest
        self.folder = folder
        self.spans = spans
    }
}

/// `spec.hub`: the hub that every machine runs.
public struct HubSpec: Sendable {
    /// An image reference with digest, or nil.
    public var image: String?
    /// An image archive beside the manifest, or nil.
    public var archive: String?
    /// TCP port, 1-65535.
    public var port: Int
    /// In the manifest's order; URLs are unique.
    public var alerts: [Alert]
    /// Nil: as the provider has it.
    public var tls: Bool?
    public var settings: Settings
    public var spans: SpanMap

    public init(
        image: String?, archive: String?, port: Int, alerts: [Alert] = [], tls: Bool? = nil,
        settings: Settings = Settings(), spans: SpanMap
    ) {
        self.image = image
        self.archive = archive
        self.port = port
        self.alerts = alerts
        self.tls = tls
        self.settings = settings
        self.spans = spans
    }
}

/// One entry of `spec.functions`.
public struct FunctionSpec: Sendable {
    public enum Runtime: String, Sendable, CaseIterable { case python3, node, command, container }

    /// A call that must answer before the function counts as deployed.
    public struct Smoke: Sendable {
        public var input: Value
        /// Compared by key for objects (more keys in the answer are fine), else for equality; nil: any answer.
        public var expect: Value?
        public var withinMilliseconds: Int

        public init(input: Value, expect: Value?, withinMilliseconds: Int) {
            self.input = input
            self.expect = expect
            self.withinMilliseconds = withinMilliseconds
        }
    }

    /// How many instances a hub runs.
    public struct Scale: Sendable, Equatable {
        /// `min` when the manifest does not say.
        public static let defaultMin = 1
        /// `concurrency` when the manifest does not say.
        public static let defaultConcurrency = 1
        /// `idle` when the manifest does not say: 5 minutes.
        public static let defaultIdleMilliseconds = 300_000

        /// Kept running, 0...64.
        public var min: Int
        /// Most under load, 1...64, not below `min`.
        public var max: Int
        /// Calls per instance beyond which another is started, 1...1000.
        public var concurrency: Int
        /// Time without a call after which one above `min` is stopped.
        public var idleMilliseconds: Int

        /// - Parameter max: nil for `min`, and at least 1.
        public init(
            min: Int = defaultMin, max: Int? = nil, concurrency: Int = defaultConcurrency,
            idleMilliseconds: Int = defaultIdleMilliseconds
        ) {
            self.min = min
            self.max = max ?? Swift.max(min, 1)
            self.concurrency = concurrency
            self.idleMilliseconds = idleMilliseconds
        }
    }

    /// What a call or an instance may use; nil is what the hub has for all.
    public struct Limits: Sendable, Equatable {
        public static let defaultTimeoutMilliseconds = 10_000
        public static let defaultOutputBytes = 1_048_576

        public var timeoutMilliseconds: Int
        /// Longest answer.
        public var outputBytes: Int
        public var memoryBytes: Int?
        /// Thousandths of a processor.
        public var processorThousandths: Int?
        public var processes: Int?
        public var openFiles: Int?
        public var diskBytes: Int?

        public init(
            timeoutMilliseconds: Int = defaultTimeoutMilliseconds, outputBytes: Int = defaultOutputBytes,
            memoryBytes: Int? = nil, processorThousandths: Int? = nil, processes: Int? = nil, openFiles: Int? = nil,
            diskBytes: Int? = nil
        ) {
            self.timeoutMilliseconds = timeoutMilliseconds
            self.outputBytes = outputBytes
            self.memoryBytes = memoryBytes
            self.processorThousandths = processorThousandths
            self.processes = processes
            self.openFiles = openFiles
            self.diskBytes = diskBytes
        }
    }

    /// Where an image listens when the manifest does not say.
    public static let defaultPort = 8080

    /// A DNS label, as is the namespace.
    public var name: String
    public var namespace: String
    public var runtime: Runtime
    /// The folder, absolute, or nil for a command that is installed on the machine.
    public var sourceFolder: String?
    /// `SourceTree.digest` of the folder.
    public var sourceDigest: String?
    /// `module.function`, for python3 and node.
    public var handler: String?
    /// Program and arguments, for command; for container what the image is started with, empty for its own.
    public var command: [String]
    /// The image's reference, for container.
    public var image: String?
    /// The TCP port the image listens on, for container.
    public var port: Int?
    public var alwaysOn: Bool
    public var scale: Scale
    public var limits: Limits
    /// False for a function that must have no network.
    public var network: Bool
    /// `.string`, or `.secret` where a secret variable was used.
    public var env: [String: Value]
    /// Always `.secret`.
    public var secrets: [String: Value]
    /// By the file's name; always `.secret`.
    public var secretFiles: [String: Value]
    public var smoke: Smoke?
    /// Names of the targets it runs on; nil for all.
    public var placement: [String]?
    /// Labels that a machine must have; empty for any machine.
    public var placementLabels: [String: String]
    public var spans: SpanMap

    public init(
        name: String, namespace: String, runtime: Runtime, sourceFolder: String?, sourceDigest: String?,
        handler: String?, command: [String], image: String? = nil, port: Int? = nil, alwaysOn: Bool, scale: Scale,
        limits: Limits, network: Bool, env: [String: Value], secrets: [String: Value],
        secretFiles: [String: Value] = [:], smoke: Smoke?, placement: [String]?,
        placementLabels: [String: String] = [:], spans: SpanMap
    ) {
        self.name = name
        self.namespace = namespace
        self.runtime = runtime
        self.sourceFolder = sourceFolder
        self.sourceDigest = sourceDigest
        self.handler = handler
        self.command = command
        self.image = image
        self.port = port
        self.alwaysOn = alwaysOn
        self.scale = scale
        self.limits = limits
        self.network = network
        self.env = env
        self.secrets = secrets
        self.secretFiles = secretFiles
        self.smoke = smoke
        self.placement = placement
        self.placementLabels = placementLabels
        self.spans = spans
    }
}

/// One entry of `spec.targets`: a provider and its machines.
public struct Target: Sendable {
    /// A DNS label.
    public var name: String
    public var provider: String
    /// The provider's own keys, checked against its `TargetKind.schema`, defaults filled in.
    public var settings: Attributes
    /// Of all its machines.
    public var labels: [String: String]
    public var spans: SpanMap

    public init(
        name: String, provider: String, settings: Attributes, labels: [String: String] = [:], spans: SpanMap
    ) {
        self.name = name
        self.labels = labels
        self.provider = provider
        self.settings = settings
        self.spans = spans
    }
}

/// `spec.safety`: what an apply must not do.
public struct SafetySpec: Sendable {
    /// A plan with more deletes (replacements count) is refused; nil: no limit.
    public var maxDeletes: Int?
    /// Globs over addresses (`*` any run of characters) that must not be deleted or replaced.
    public var protect: [String]
    public var spans: SpanMap

    public init(maxDeletes: Int?, protect: [String], spans: SpanMap) {
        self.maxDeletes = maxDeletes
        self.protect = protect
        self.spans = spans
    }
}

/// What a provider accepts under a target, for checking without the provider's code.
public struct TargetKind: Sendable {
    /// The value of `provider:`.
    public var provider: String
    /// One sentence of documentation.
    public var doc: String
    /// Keys beside `name` and `provider`.
    public var schema: Schema

    public init(provider: String, doc: String, schema: Schema) {
        self.provider = provider
        self.doc = doc
        self.schema = schema
    }
}
