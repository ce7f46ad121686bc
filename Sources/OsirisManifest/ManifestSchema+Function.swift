import OsirisModel

extension ManifestSchema {
    /// One entry of `spec.functions`.
    public static let function = Schema([
        Field("name", .name, required: true, doc: "The function's name, unique in its namespace.", example: "hello"),
        Field(
            "namespace", .name, default: "default", doc: "Groups functions; part of the function's URL.",
            example: "demo"),
        Field(
            "runtime", .choice(FunctionSpec.Runtime.allCases.map(\.rawValue)), required: true,
            doc:
                "`python3` and `node` keep a process with the handler loaded; `command` keeps a program running that answers each line of JSON with one; `container` runs an image that answers HTTP.",
            example: "python3"),
        Field(
            "source", .path(mustExist: .folder),
            doc: "The folder with the function's code, beside the manifest. Required for `python3` and `node`.",
            example: "functions/hello"),
        Field(
            "handler", .string, doc: "`module.function` inside the source folder. Required for `python3` and `node`.",
            example: "hello.handle"),
        Field(
            "command", .list(of: .string),
            doc:
                "The program and its arguments, run in the source folder. Required for `command`; for `container` what the image is given in place of its own.",
            example: "[./run.sh, --fast]"),
        Field(
            "image", .string, doc: "The image's reference, best with its digest. Required for `container`.",
            example: "registry.example/resize@sha256:…"),
        Field(
            "port", .int(1...65535),
            doc: "The TCP port the image listens on, which it is told as `PORT`; 8080 when absent. For `container`.",
            example: "8080"),
        Field(
            "alwaysOn", .bool, default: true, doc: "Loaded when the hub starts; the hub is ready only once it answers.",
            example: "true"),
        Field("scale", .object(scale), doc: "How many instances run on a hub.", example: "{min: 1, max: 8}"),
        Field(
            "limits", .object(limits), doc: "What a call and an instance may use.",
            example: "{timeout: 10s, memory: 128Mi}"),
        Field(
            "network", .bool, default: true,
            doc: "False keeps the network from it; a hub that cannot do that refuses the function.", example: "false"),
        Field(
            "env", .map(of: .string), default: [:],
            doc: "Environment variables. Numbers and booleans are taken as their text.", example: "{GREETING: hi}"),
        Field(
            "secrets", .map(of: .string), default: [:], secret: true,
            doc: "Environment variables whose values are never shown or stored in the clear.",
            example: "{API_KEY: \"${var.apiKey}\"}"),
        Field(
            "secretFiles", .map(of: .string), default: [:], secret: true,
            doc:
                "Files, by name, whose contents are never shown or stored in the clear. `OSIRIS_SECRETS` names their folder.",
            example: "{tls.key: \"${var.tlsKey}\"}"),
        Field(
            "smoke", .object(smoke), doc: "A call that must answer before the function counts as deployed.",
            example: "{input: {name: Ada}, within: 2s}"),
        Field(
            "placement", .object(placement), doc: "Where the function runs; every target when absent.",
            example: "{targets: [rack-a]}"),
    ])

    private static let scale = Schema([
        Field(
            "min", .int(0...64), default: .int(FunctionSpec.Scale.defaultMin),
            doc: "Instances kept running, 0-64. 0 needs `alwaysOn: false`: the first call starts one.", example: "1"),
        Field(
            "max", .int(1...64), doc: "Most instances under load, 1-64; `min`, and at least 1, when absent.",
            example: "8"),
        Field(
            "concurrency", .int(1...1000), default: .int(FunctionSpec.Scale.defaultConcurrency),
            doc: "Calls per instance, running and waiting, beyond which another instance is started, 1-1000.",
            example: "4"),
        Field(
            "idle", .duration, default: .int(FunctionSpec.Scale.defaultIdleMilliseconds),
            doc: "An instance above `min` that had no call for this long is stopped.", example: "5m"),
    ])

    private static let limits = Schema([
        Field(
            "timeout", .duration, default: .int(FunctionSpec.Limits.defaultTimeoutMilliseconds),
            doc: "A call that takes longer is ended and answered with an error.", example: "10s"),
        Field(
            "memory", .size, doc: "An instance that uses more is ended. The hub's own bound when absent.",
            example: "128Mi"),
        Field(
            "cpu", .number(0.01...64), doc: "Processors an instance may keep busy, 0.01-64. No bound when absent.",
            example: "0.5"),
        Field(
            "processes", .int(4...4096), doc: "Processes and threads of an instance, 4-4096; 64 when absent.",
            example: "32"),
        Field(
            "openFiles", .int(16...65_536),
            doc: "Open files and sockets of each process, 16-65536; 256 when absent.", example: "64"),
        Field(
            "disk", .size, doc: "Largest file, and all of `/tmp`; at least 64Ki, 64Mi when absent.", example: "16Mi"),
        Field(
            "output", .size, default: .int(FunctionSpec.Limits.defaultOutputBytes),
            doc: "Longest answer, 1 byte to 64Mi.", example: "64Ki"),
    ])

    private static let smoke = Schema([
        Field("input", .any, default: .null, doc: "The body of the call, as JSON.", example: "{name: Ada}"),
        Field(
            "expect", .any, doc: "The expected answer; of an object only these keys are compared. Any when absent.",
            example: "{greeting: hi Ada}"),
        Field("within", .duration, default: 2000, doc: "The answer must come in this time.", example: "2s"),
    ])

    private static let placement = Schema([
        Field(
            "targets", .list(of: .string), doc: "Names of the targets it runs on; every target when absent.",
            example: "[rack-a]"),
        Field(
            "labels", .map(of: .string), default: [:],
            doc: "It runs only on machines that have all of these labels.", example: "{zone: a}"),
    ])
}
