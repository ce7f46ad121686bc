import OsirisModel

/// A function's name within a hub: its namespace and its own name, both DNS labels.
public struct FunctionName: Hashable, Sendable, Codable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `name.namespace`, as in the metrics.
    public var description: String { "\(name).\(namespace)" }

    /// True for a DNS label (RFC 1123, section 2.1): 1...63 of a-z, 0-9 and `-`, with no `-` at either end.
    public static func isLabel(_ text: String) -> Bool {
        let letters = Array(text.utf8)
        guard (1...63).contains(letters.count), letters.first != 0x2D, letters.last != 0x2D else { return false }
        return letters.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
}

/// What a function is, without its files and without the values of its secrets: safe to store and to show.
public struct FunctionSpec: Codable, Sendable, Equatable {
    /// How its code is run.
    public enum Runtime: String, Codable, Sendable, CaseIterable {
        /// A folder with a Python handler.
        case python3
        /// A folder with a JavaScript handler.
        case node
        /// A program that answers one line of JSON with another.
        case command
        /// An image that answers HTTP.
        case container
    }

    /// How many instances there are.
    public struct Scale: Codable, Sendable, Equatable {
        /// Instances kept running, 0...64. With 0 the first call starts one.
        public var min: Int
        /// Most instances, 1...64, not below `min`.
        public var max: Int
        /// Calls per instance, running and waiting, beyond which another one is started, 1...1000.
        public var concurrency: Int
        /// Time without a call after which an instance above `min` is stopped: milliseconds, 1...86 400 000.
        public var idleMs: Int

        /// - Parameter max: nil for `min`, and at least 1.
        public init(min: Int = 1, max: Int? = nil, concurrency: Int = 1, idleMs: Int = 300_000) {
            self.min = min
            self.max = max ?? Swift.max(min, 1)
            self.concurrency = concurrency
            self.idleMs = idleMs
        }

        /// A catalog from before there was more than `min` has only that.
        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            let plain = Scale()
            self.init(
                min: try fields.decode(Int.self, forKey: .min), max: try fields.decodeIfPresent(Int.self, forKey: .max),
                concurrency: try fields.decodeIfPresent(Int.self, forKey: .concurrency) ?? plain.concurrency,
                idleMs: try fields.decodeIfPresent(Int.self, forKey: .idleMs) ?? plain.idleMs)
        }
    }

    /// What one call or instance may use.
    public struct Limits: Codable, Sendable, Hashable {
        /// Longest run of one call, and longest wait for a free instance before it: milliseconds, 1...3 600 000.
        public var timeoutMs: Int
        /// Longest answer, bytes, 1...67 108 864.
        public var outputBytes: Int
        /// Most memory of an instance, bytes, at least 16 MiB; nil for `Limits.usualMemoryBytes` where a control
        /// group holds it, else for none.
        public var memoryBytes: Int?
        /// Most processor time of an instance, in thousandths of a processor, 10...64 000; nil for no limit.
        public var cpuThousandths: Int?
        /// Most processes and threads of an instance, 4...4096; nil for 64.
        public var processes: Int?
        /// Most open files and sockets of each process of an instance, 16...65 536; nil for 256.
        public var openFiles: Int?
        /// Largest file, and most bytes in each of an instance's `/tmp` and `/dev/shm`: at least 64 KiB; nil for
        /// 64 MiB.
        public var diskBytes: Int?

        public init(
            timeoutMs: Int = 10_000, outputBytes: Int = 1_048_576, memoryBytes: Int? = nil,
            cpuThousandths: Int? = nil, processes: Int? = nil, openFiles: Int? = nil, diskBytes: Int? = nil
        ) {
            self.timeoutMs = timeoutMs
            self.outputBytes = outputBytes
            self.memoryBytes = memoryBytes
            self.cpuThousandths = cpuThousandths
            self.processes = processes
            self.openFiles = openFiles
            self.diskBytes = diskBytes
        }

        /// What holds when the function says nothing.
        var mostProcesses: Int { processes ?? 64 }
        var mostOpenFiles: Int { openFiles ?? 256 }
        var mostDiskBytes: Int { diskBytes ?? 67_108_864 }
        /// Memory of an instance whose function says nothing, where a control group holds it.
        static let usualMemoryBytes = 536_870_912
    }

    public var name: FunctionName
    public var runtime: Runtime
    /// `module.function` with a runtime that has a handler, else empty.
    public var handler: String
    /// Program and arguments with the runtime `command`; what the image is started with, in place of its own command,
    /// with the runtime `container`; else empty.
    public var command: [String]
    /// True if the hub is not ready without it.
    public var alwaysOn: Bool
    public var scale: Scale
    public var limits: Limits
    /// False for a function that must have no network; nil for one that has it.
    public var network: Bool?
    /// Environment of its instances, besides what every instance has.
    public var env: [String: String]
    /// Digest of each secret by the name of its environment variable.
    public var secretDigests: [String: String]
    /// Digest of each secret that its instances get as a file, by the file's name; nil for none, as in a catalog from
    /// before there were any.
    public var secretFileDigests: [String: String]?
    /// Words the hub keeps and shows, and nothing more.
    public var annotations: [String: String]
    /// Reference of the image with the runtime `container`, else nil.
    public var image: String?
    /// TCP port the image listens on, 1...65535, with the runtime `container`, else nil.
    public var port: Int?

    public init(
        name: FunctionName, runtime: Runtime, handler: String = "", command: [String] = [], alwaysOn: Bool = false,
        scale: Scale = Scale(), limits: Limits = Limits(), network: Bool? = nil, env: [String: String] = [:],
        secretDigests: [String: String] = [:], secretFileDigests: [String: String]? = nil,
        annotations: [String: String] = [:]
    ) {
        self.name = name
        self.runtime = runtime
        self.handler = handler
        self.command = command
        self.alwaysOn = alwaysOn
        self.scale = scale
        self.limits = limits
        self.network = network
        self.env = env
        self.secretDigests = secretDigests
        self.secretFileDigests = secretFileDigests
        self.annotations = annotations
    }
}

/// A valid deployment request: the spec, the clear secrets and the files.
public struct Deployment: Sendable {
    public var spec: FunctionSpec
    /// Clear values by environment variable. Goes to the secret store and to the instances, nowhere else.
    public var secrets: [String: String]
    /// Clear values by the name of the file that instances get them in; likewise.
    public var secretFiles: [String: String]
    public var source: SourceTree
    /// A version that is stored with the same files, for one that is deployed again.
    var sharing: Int?

    init(
        spec: FunctionSpec, secrets: [String: String], secretFiles: [String: String], source: SourceTree, sharing: Int?
    ) {
        self.init(spec: spec, secrets: secrets, secretFiles: secretFiles, source: source)
        self.sharing = sharing
    }

    public init(
        spec: FunctionSpec, secrets: [String: String], secretFiles: [String: String] = [:], source: SourceTree
    ) {
        self.spec = spec
        self.secrets = secrets
        self.secretFiles = secretFiles
        self.source = source
    }
}
