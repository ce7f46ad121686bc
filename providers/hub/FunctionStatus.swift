import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// A function as its hub shows it.
struct FunctionStatus: Sendable {
    static let operationKey = "osiris:operation"
    static let clusterKey = "osiris:cluster"
    static let addressKey = "osiris:address"
    static let lineageKey = "osiris:lineage"

    /// In the shape of the arguments, with the computed ones.
    let attributes: Attributes
    let version: Int
    /// `ready`, `starting`, `crash-loop` and the like.
    let state: String
    let isReady: Bool
    let lastError: String?
    /// What its hub does before it can start it, such as pulling an image; nil if nothing.
    let activity: String?
    /// Token of the operation that deployed it.
    let operation: String?
    /// Whose it is, by its annotations; nil for one that nobody marked.
    let cluster: String?
    let address: ResourceAddress?
    let lineage: String?

    /// `NAMESPACE/NAME`.
    var key: String { Self.key(attributes) }

    static func key(_ attributes: Attributes) -> String {
        "\(attributes["namespace"]?.stringValue ?? "")/\(attributes["name"]?.stringValue ?? "")"
    }

    /// Nil if `value` is not the status of a function.
    init?(_ value: Value) {
        guard let fields = value.mapValue, let name = fields["name"], let namespace = fields["namespace"],
            let version = fields["version"]?.intValue
        else { return nil }
        var attributes: Attributes = [
            "name": name, "namespace": namespace, "version": .int(version),
            "limits": FunctionResource.limits(Self.limits(fields["limits"]?.mapValue ?? [:])),
        ]
        if fields["network"] == false { attributes["network"] = false }
        if let env = fields["env"]?.mapValue, !env.isEmpty { attributes["env"] = .map(env) }
        for name in ["runtime", "alwaysOn"] { attributes[name] = fields[name] }
        if let scale = fields["scale"]?.mapValue, let minimum = scale["min"]?.intValue {
            attributes["scale"] = FunctionResource.scale(Self.scale(scale, min: minimum))
        }
        if let handler = fields["handler"]?.stringValue, !handler.isEmpty { attributes["handler"] = .string(handler) }
        if let command = fields["command"]?.listValue, !command.isEmpty { attributes["command"] = .list(command) }
        if let image = fields["image"]?.stringValue { attributes["image"] = .string(image) }
        if let port = fields["port"]?.intValue, port != FunctionSpec.defaultPort { attributes["port"] = .int(port) }
        if let source = fields["sourceDigest"]?.stringValue, source != Self.noSource {
            attributes["source"] = .string(source)
        }
        for (name, digests) in [("secrets", "secretDigests"), ("secretFiles", "secretFileDigests")] {
            let secrets = (fields[digests]?.mapValue ?? [:]).compactMapValues { digest in
                digest.stringValue.map { Value.secret(Secret(digest: $0, plaintext: nil)) }
            }
            if !secrets.isEmpty { attributes[name] = .map(secrets) }
        }
        self.attributes = attributes
        self.version = version
        state = fields["state"]?.stringValue ?? ""
        isReady = fields["ready"]?.boolValue ?? false
        lastError = fields["lastError"]?.stringValue
        activity = fields["activity"]?.stringValue
        let marks = fields["annotations"]?.mapValue ?? [:]
        operation = marks[Self.operationKey]?.stringValue
        cluster = marks[Self.clusterKey]?.stringValue
        address = marks[Self.addressKey]?.stringValue.flatMap(ResourceAddress.init)
        lineage = marks[Self.lineageKey]?.stringValue
    }

    /// A hub from before there was more than `min` shows only that.
    private static func scale(_ fields: [String: Value], min: Int) -> FunctionSpec.Scale {
        typealias Scale = FunctionSpec.Scale
        return Scale(
            min: min, max: fields["max"]?.intValue,
            concurrency: fields["concurrency"]?.intValue ?? Scale.defaultConcurrency,
            idleMilliseconds: fields["idleMs"]?.intValue ?? Scale.defaultIdleMilliseconds)
    }

    /// An older hub shows fewer of them, and a function there has no more.
    private static func limits(_ fields: [String: Value]) -> FunctionSpec.Limits {
        typealias Limits = FunctionSpec.Limits
        return Limits(
            timeoutMilliseconds: fields["timeoutMs"]?.intValue ?? Limits.defaultTimeoutMilliseconds,
            outputBytes: fields["outputBytes"]?.intValue ?? Limits.defaultOutputBytes,
            memoryBytes: fields["memoryBytes"]?.intValue, processorThousandths: fields["cpuThousandths"]?.intValue,
            processes: fields["processes"]?.intValue, openFiles: fields["openFiles"]?.intValue,
            diskBytes: fields["diskBytes"]?.intValue)
    }

    /// What a hub says of a function that came without files.
    private static let noSource = SourceTree(files: []).digest
}
