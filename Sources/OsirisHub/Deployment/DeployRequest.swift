import OsirisModel

/// Reads the body of `PUT` and `POST /system/functions`.
public struct DeployRequest {
    /// Most files of a function.
    public static let mostFiles = 2_000
    /// Most bytes of all files of a function, decoded.
    public static let mostSourceBytes = 32 * 1_048_576
    /// Most secrets of a function that are files.
    public static let mostSecretFiles = 100
    /// Most bytes of the request's body: the files in base64, and the rest.
    public static let mostBodyBytes = 48 * 1_048_576

    static let keys: Set<String> = [
        "name", "namespace", "runtime", "handler", "command", "image", "port", "alwaysOn", "scale", "limits", "network",
        "env", "secrets", "secretFiles", "annotations", "files",
    ]

    var reader = FaultReader()

    /// Reads and checks the whole request.
    /// - Parameter name: the function that the request's path names; the body may leave it out, and must not name another.
    /// - Throws: `HubError` 400 with every fault in `details`.
    public static func parse(_ body: [UInt8], named name: FunctionName? = nil) throws -> Deployment {
        guard var document = try? Value(plainJSON: body) else {
            throw HubError(400, "bad_request", "The body is not JSON.")
        }
        if let name, case .map(let fields) = document {
            document = .map(
                ["name": .string(name.name), "namespace": .string(name.namespace)].merging(fields) { $1 })
        }
        var request = DeployRequest()
        let deployment = request.deployment(document)
        let faults = request.reader.faults
        guard let deployment, faults.isEmpty else {
            throw HubError(400, "bad_request", faults.joined(separator: " "), details: faults)
        }
        if let name, deployment.spec.name != name {
            throw HubError(400, "bad_request", "The body is about \(deployment.spec.name), the path about \(name).")
        }
        return deployment
    }

    private mutating func deployment(_ document: Value) -> Deployment? {
        let body = reader.object(document, at: "body", keys: Self.keys)
        let name = FunctionName(
            namespace: label(body["namespace"], at: "namespace"), name: label(body["name"], at: "name"))
        let runtime = self.runtime(body["runtime"])
        let alwaysOn = reader.bool(body["alwaysOn"], at: "alwaysOn") ?? false
        var spec = FunctionSpec(
            name: name, runtime: runtime ?? .python3, alwaysOn: alwaysOn,
            scale: scale(body["scale"], alwaysOn: alwaysOn),
            limits: limits(body["limits"]),
            network: reader.bool(body["network"], at: "network") == false ? false : nil, env: environment(body["env"]),
            annotations: reader.words(body["annotations"], at: "annotations"))
        let handler = reader.string(body["handler"], at: "handler") ?? ""
        let command = reader.list(body["command"], at: "command").enumerated().compactMap { item in
            reader.string(item.element, at: "command[\(item.offset)]")
        }
        if runtime == .container {
            (spec.image, spec.port) = image(body, handler: handler)
            spec.command = command
        } else if body["image"] != nil || body["port"] != nil {
            reader.fault("image and port go with the runtime container only.")
        }
        if let runtime, runtime.program.hasHandler {
            spec.handler = checked(handler: handler, command: command)
        } else if runtime == .command {
            spec.command = checked(command: command, handler: handler)
        }
        let secrets = self.secrets(body["secrets"], env: spec.env)
        spec.secretDigests = secrets.mapValues(\.digest)
        let secretFiles = self.secretFiles(body["secretFiles"])
        if !secretFiles.isEmpty { spec.secretFileDigests = secretFiles.mapValues(\.digest) }
        let source = self.source(body["files"])
        if let runtime, runtime.program.hasHandler, source.files.isEmpty {
            reader.fault("files must hold the handler's module.")
        }
        if runtime == .container, !source.files.isEmpty { reader.fault("files do not go with the runtime container.") }
        if runtime == .container, !secretFiles.isEmpty {
            // The user in the image is not known, and nobody else may read them.
            reader.fault("secretFiles do not go with the runtime container; use secrets.")
        }
        return Deployment(
            spec: spec, secrets: secrets.mapValues(\.value), secretFiles: secretFiles.mapValues(\.value), source: source
        )
    }

    private mutating func label(_ value: Value?, at path: String) -> String {
        if value == nil { reader.fault("\(path) is missing.") }
        guard let text = reader.string(value, at: path) else { return "" }
        if !FunctionName.isLabel(text) {
            reader.fault("\(path) must be a DNS label: 1 to 63 of a-z, 0-9 and -, with no - at either end.")
        }
        return text
    }

    private mutating func runtime(_ value: Value?) -> FunctionSpec.Runtime? {
        if value == nil { reader.fault("runtime is missing.") }
        guard let text = reader.string(value, at: "runtime") else { return nil }
        let runtime = FunctionSpec.Runtime(rawValue: text)
        if runtime == nil { reader.fault("runtime must be python3, node, command or container.") }
        return runtime
    }

    private mutating func scale(_ value: Value?, alwaysOn: Bool) -> FunctionSpec.Scale {
        let body = reader.object(value, at: "scale", keys: ["min", "max", "concurrency", "idleMs"])
        let plain = FunctionSpec.Scale()
        let scale = FunctionSpec.Scale(
            min: reader.int(body["min"], at: "scale.min", in: 0...64) ?? plain.min,
            max: reader.int(body["max"], at: "scale.max", in: 1...64),
            concurrency: reader.int(body["concurrency"], at: "scale.concurrency", in: 1...1000) ?? plain.concurrency,
            idleMs: reader.int(body["idleMs"], at: "scale.idleMs", in: 1...86_400_000) ?? plain.idleMs)
        if scale.max < scale.min { reader.fault("scale.max must not be below scale.min.") }
        if alwaysOn, scale.min == 0 { reader.fault("scale.min must be at least 1 when alwaysOn is true.") }
        return scale
    }

    private mutating func limits(_ value: Value?) -> FunctionSpec.Limits {
        let body = reader.object(
            value, at: "limits",
            keys: [
                "timeoutMs", "outputBytes", "memoryBytes", "cpuThousandths", "processes", "openFiles", "diskBytes",
            ]
        ).filter { $0.value != .null }
        return FunctionSpec.Limits(
            timeoutMs: reader.int(body["timeoutMs"], at: "limits.timeoutMs", in: 1...3_600_000) ?? 10_000,
            outputBytes: reader.int(body["outputBytes"], at: "limits.outputBytes", in: 1...67_108_864) ?? 1_048_576,
            memoryBytes: reader.int(body["memoryBytes"], at: "limits.memoryBytes", in: 16_777_216...(1 << 50)),
            cpuThousandths: reader.int(body["cpuThousandths"], at: "limits.cpuThousandths", in: 10...64_000),
            processes: reader.int(body["processes"], at: "limits.processes", in: 4...4096),
            openFiles: reader.int(body["openFiles"], at: "limits.openFiles", in: 16...65_536),
            diskBytes: reader.int(body["diskBytes"], at: "limits.diskBytes", in: 65_536...(1 << 50)))
    }

    private mutating func checked(handler: String, command: [String]) -> String {
        let parts = handler.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count < 2 || !parts.allSatisfy(Self.isIdentifier) {
            reader.fault("handler must have the form module.function.")
        }
        if !command.isEmpty { reader.fault("command does not go with a runtime that has a handler.") }
        return handler
    }

    private mutating func image(_ body: [String: Value], handler: String) -> (String, Int) {
        let image = reader.string(body["image"], at: "image") ?? ""
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@".utf8)
        if !(1...512).contains(image.utf8.count) || !image.utf8.allSatisfy(allowed.contains) || image.hasPrefix("-") {
            reader.fault("image must be the reference of an image.")
        }
        if !handler.isEmpty { reader.fault("handler does not go with the runtime container.") }
        return (image, reader.int(body["port"], at: "port", in: 1...65535) ?? 8080)
    }

    private mutating func checked(command: [String], handler: String) -> [String] {
        if command.first?.isEmpty ?? true { reader.fault("command must name a program.") }
        if command.contains(where: { $0.utf8.contains(0) }) { reader.fault("command must not hold a NUL character.") }
        if let first = command.first, first.hasPrefix("./") || first.contains("/"), !first.hasPrefix("/"),
            !Self.isRelative(first.hasPrefix("./") ? String(first.dropFirst(2)) : first)
        {
            reader.fault("command[0] must stay inside the function's folder.")
        }
        if !handler.isEmpty { reader.fault("handler does not go with the runtime command.") }
        return command
    }

    static func isIdentifier(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
    }
}
