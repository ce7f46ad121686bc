import OsirisManifest
import OsirisModel

/// The `hub` type: the same attributes on every kind of machine, whoever runs the hub there.
public enum HubResource {
    public static let type = ResourceType(
        name: "hub",
        doc: "The hub of one machine: starts the controller, loads the always-on functions, routes every call.",
        schema: Schema([
            Field("status", .choice(["running", "stopped"]), default: "running", doc: "A hub is meant to run."),
            Field("port", .int(1...65535), required: true, doc: "TCP port of the hub's API."),
            Field("version", .string, required: true, doc: "Version of the hub program."),
            Field("image", .string, doc: "Digest of the image it runs from, where it runs in a container."),
            Field(
                "url", .string, role: .computed, changesOnUpdate: true, doc: "Base URL of the hub's API.",
                example: "http://127.0.0.1:8080"),
            Field(
                "token", .string, role: .computed, secret: true,
                doc: "Bearer token with role admin, made by the provisioner; sealed in the state."),
        ]))

    /// The arguments of a hub.
    public static func arguments(port: Int, version: String, image: String? = nil) -> Attributes {
        var attributes: Attributes = ["status": "running", "port": .int(port), "version": .string(version)]
        if let image { attributes["image"] = .string(image) }
        return attributes
    }
}

/// The `function` type: one function in one hub.
public enum FunctionResource {
    public static let type = ResourceType(
        name: "function",
        doc: "A function deployed in the hub of one machine, ready and behind its smoke call.",
        schema: Schema([
            Field("name", .name, required: true, forcesReplacement: true, doc: "Name in its namespace."),
            Field("namespace", .name, required: true, forcesReplacement: true, doc: "Namespace."),
            Field("runtime", .choice(["python3", "command"]), required: true, doc: "How it is run."),
            Field("source", .string, doc: "Digest of the source folder."),
            Field("handler", .string, doc: "`module.function` of a python3 function."),
            Field("command", .list(of: .string), doc: "Program and arguments of a command function."),
            Field("alwaysOn", .bool, default: true, doc: "The hub is ready only while it answers."),
            Field(
                "scale",
                .object(Schema([Field("min", .int(1...64), doc: "Instances kept running.")])), doc: "How many run."),
            Field(
                "limits",
                .object(
                    Schema([
                        Field("timeout", .duration, doc: "A call that takes longer is killed."),
                        Field("memory", .size, doc: "Address space of one instance."),
                    ])), doc: "What one call or instance may use."),
            Field("env", .map(of: .string), doc: "Environment."),
            Field("secrets", .map(of: .string), secret: true, doc: "Secret environment."),
            Field(
                "version", .int(1...Int.max), role: .computed, changesOnUpdate: true, doc: "The hub's version of it."),
        ]))

    /// The arguments of a function; equal for every machine it is placed on.
    public static func arguments(_ function: FunctionSpec) -> Attributes {
        var limits: [String: Value] = ["timeout": .int(function.timeoutMilliseconds)]
        if let memory = function.memoryBytes { limits["memory"] = .int(memory) }
        var attributes: Attributes = [
            "name": .string(function.name), "namespace": .string(function.namespace),
            "runtime": .string(function.runtime.rawValue), "alwaysOn": .bool(function.alwaysOn),
            "scale": ["min": .int(function.minInstances)], "limits": .map(limits), "env": .map(function.env),
        ]
        if let digest = function.sourceDigest { attributes["source"] = .string(digest) }
        if let handler = function.handler { attributes["handler"] = .string(handler) }
        if !function.command.isEmpty { attributes["command"] = .list(function.command.map(Value.string)) }
        if !function.secrets.isEmpty { attributes["secrets"] = .map(function.secrets) }
        return attributes
    }
}
