import OsirisManifest
import OsirisModel

/// The `function` type: one function in one hub.
public enum FunctionResource {
    public static let type = ResourceType(
        name: "function",
        doc: "A function deployed in the hub of one machine, ready and behind its smoke call.",
        schema: Schema([
            Field("name", .name, required: true, forcesReplacement: true, doc: "Name in its namespace."),
            Field("namespace", .name, required: true, forcesReplacement: true, doc: "Namespace."),
            Field(
                "runtime", .choice(FunctionSpec.Runtime.allCases.map(\.rawValue)), required: true, doc: "How it is run."
            ),
            Field("source", .string, doc: "Digest of the source folder."),
            Field("handler", .string, doc: "`module.function` of a python3 or node function."),
            Field("command", .list(of: .string), doc: "Program and arguments of a command function."),
            Field("image", .string, doc: "Image of a container function."),
            Field("port", .int(1...65535), doc: "TCP port its image listens on; absent when it is the default."),
            Field("alwaysOn", .bool, default: true, doc: "The hub is ready only while it answers."),
            Field(
                "scale",
                .object(
                    Schema([
                        Field("min", .int(0...64), doc: "Instances kept running."),
                        Field("max", .int(1...64), doc: "Most under load; absent when it is the default."),
                        Field("concurrency", .int(1...1000), doc: "Calls per instance; absent when it is the default."),
                        Field("idle", .duration, doc: "Life without a call; absent when it is the default."),
                    ])), doc: "How many run."),
            Field(
                "limits",
                .object(
                    Schema([
                        Field("timeout", .duration, doc: "A call that takes longer is killed."),
                        Field("memory", .size, doc: "Memory of one instance."),
                        Field("cpu", .number(0.01...64), doc: "Processors of one instance."),
                        Field("processes", .int(4...4096), doc: "Processes and threads of one instance."),
                        Field("openFiles", .int(16...65_536), doc: "Open files of each process."),
                        Field("disk", .size, doc: "Largest file, and all of `/tmp`."),
                        Field("output", .size, doc: "Longest answer; absent when it is the default."),
                    ])), doc: "What one call or instance may use."),
            Field("network", .bool, doc: "False if it has no network; absent when it has."),
            Field("env", .map(of: .string), doc: "Environment."),
            Field("secrets", .map(of: .string), secret: true, doc: "Secret environment."),
            Field("secretFiles", .map(of: .string), secret: true, doc: "Secret files, by name."),
            Field(
                "version", .int(1...Int.max), role: .computed, changesWith: ["*"], doc: "The hub's version of it."),
        ]), outage: exchange)

    /// A new version takes over when it is ready; a function that is replaced is away until then.
    public static let exchange = ResourceType.Outage(update: .zero, replacement: .seconds(60))

    /// Limits as people write them (`10s`, `128Mi`): plans and the state show them so.
    ///
    /// What is absent or at its default is left out, but for `timeout`: so a state from before there was more than
    /// `timeout` and `memory` shows no change.
    public static func limits(_ limits: FunctionSpec.Limits) -> Value {
        typealias Limits = FunctionSpec.Limits
        func size(_ bytes: Int?) -> Value? { bytes.map { .string(Quantities.format(bytes: $0)) } }
        let values: [String: Value?] = [
            "timeout": .string(Quantities.format(milliseconds: limits.timeoutMilliseconds)),
            "memory": size(limits.memoryBytes),
            "cpu": limits.processorThousandths.map {
                $0.isMultiple(of: 1000) ? .int($0 / 1000) : .double(Double($0) / 1000)
            },
            "processes": limits.processes.map(Value.int), "openFiles": limits.openFiles.map(Value.int),
            "disk": size(limits.diskBytes),
            "output": limits.outputBytes == Limits.defaultOutputBytes ? nil : size(limits.outputBytes),
        ]
        return .map(values.compactMapValues(\.self))
    }

    /// What is at its default is left out, but for `min`: so a state from before there was more than `min` shows no
    /// change, and a hub that knows `min` only takes a function that needs no more.
    public static func scale(_ scale: FunctionSpec.Scale) -> Value {
        let plain = FunctionSpec.Scale(min: scale.min)
        var values: [String: Value] = ["min": .int(scale.min)]
        if scale.max != plain.max { values["max"] = .int(scale.max) }
        if scale.concurrency != plain.concurrency { values["concurrency"] = .int(scale.concurrency) }
        if scale.idleMilliseconds != plain.idleMilliseconds {
            values["idle"] = .string(Quantities.format(milliseconds: scale.idleMilliseconds))
        }
        return .map(values)
    }

    /// The arguments of a function; equal for every machine it is placed on.
    public static func arguments(_ function: FunctionSpec) -> Attributes {
        var attributes: Attributes = [
            "name": .string(function.name), "namespace": .string(function.namespace),
            "runtime": .string(function.runtime.rawValue), "alwaysOn": .bool(function.alwaysOn),
            "scale": scale(function.scale), "limits": limits(function.limits),
        ]
        if !function.network { attributes["network"] = false }
        let env = function.env.filter { !$0.value.isSecret }
        if !env.isEmpty { attributes["env"] = .map(env) }
        if let digest = function.sourceDigest { attributes["source"] = .string(digest) }
        if let handler = function.handler { attributes["handler"] = .string(handler) }
        if !function.command.isEmpty { attributes["command"] = .list(function.command.map(Value.string)) }
        if let image = function.image { attributes["image"] = .string(image) }
        if let port = function.port, port != FunctionSpec.defaultPort { attributes["port"] = .int(port) }
        // A secret variable may stand under `env` too; the hub takes it as what it is.
        let secrets = function.env.filter { $0.value.isSecret }.merging(function.secrets) { $1 }
        if !secrets.isEmpty { attributes["secrets"] = .map(secrets) }
        if !function.secretFiles.isEmpty { attributes["secretFiles"] = .map(function.secretFiles) }
        return attributes
    }
}
