import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The body of a deployment: what is planned, the clear secrets and the source.
enum DeployBody {
    static func make(_ request: OperationRequest) throws -> Value {
        let planned = request.planned.filter { $0.value != .null }
        let spec = request.cluster.functions.first {
            .string($0.name) == planned["name"] && .string($0.namespace) == planned["namespace"]
        }
        var body: [String: Value] = [:]
        for name in [
            "name", "namespace", "runtime", "handler", "command", "image", "port", "alwaysOn", "env", "network",
        ] {
            body[name] = planned[name]
        }
        var scale = planned["scale"]?.mapValue ?? [:]
        if let idle = scale.removeValue(forKey: "idle")?.stringValue.flatMap(Quantities.milliseconds) {
            scale["idleMs"] = .int(idle)
        }
        body["scale"] = .map(scale)
        let limits = planned["limits"]?.mapValue ?? [:]
        body["limits"] = .map(
            [
                "timeoutMs": limits["timeout"]?.stringValue.flatMap(Quantities.milliseconds).map(Value.int),
                "memoryBytes": limits["memory"]?.stringValue.flatMap(Quantities.bytes).map(Value.int),
                "cpuThousandths": limits["cpu"]?.numberValue.map { .int(Int(($0 * 1000).rounded())) },
                "processes": limits["processes"], "openFiles": limits["openFiles"],
                "diskBytes": limits["disk"]?.stringValue.flatMap(Quantities.bytes).map(Value.int),
                "outputBytes": limits["output"]?.stringValue.flatMap(Quantities.bytes).map(Value.int),
            ].compactMapValues { $0 })
        body["secrets"] = .map(try secrets("secrets", spec?.secrets, request))
        // Only where there are some: a hub from before there were any refuses the key.
        let secretFiles = try secrets("secretFiles", spec?.secretFiles, request)
        if !secretFiles.isEmpty { body["secretFiles"] = .map(secretFiles) }
        var marks: [String: Value] = [
            FunctionStatus.clusterKey: .string(request.cluster.name),
            FunctionStatus.addressKey: .string(request.address.text),
            FunctionStatus.operationKey: .string(request.token),
        ]
        if !request.owner.lineage.isEmpty { marks[FunctionStatus.lineageKey] = .string(request.owner.lineage) }
        body["annotations"] = .map(marks)
        body["files"] = .list(try files(planned["source"]?.stringValue, spec, request))
        return .map(body)
    }

    /// - Parameters:
    ///   - attribute: the argument that holds them.
    ///   - known: the manifest's, in the clear.
    private static func secrets(
        _ attribute: String, _ known: [String: Value]?, _ request: OperationRequest
    ) throws -> [String: Value] {
        var secrets: [String: Value] = [:]
        for (name, value) in request.planned[attribute]?.mapValue ?? [:] {
            guard case .secret(let secret) = value else { continue }
            // A plan file has digests only; the manifest has the clear values.
            guard let clear = secret.plaintext ?? clear(known?[name], secret) else {
                throw ProviderError(
                    .rejected, "\(request.address): the clear value of secret \(name) is not at hand",
                    help: "give the manifest's variables again", attribute: "\(attribute).\(name)")
            }
            secrets[name] = ["value": .string(clear), "digest": .string(secret.digest)]
        }
        return secrets
    }

    private static func clear(_ value: Value?, _ secret: Secret) -> String? {
        guard case .secret(let known)? = value, known == secret else { return nil }
        return known.plaintext
    }

    private static func files(
        _ digest: String?, _ spec: FunctionSpec?, _ request: OperationRequest
    ) throws -> [Value] {
        guard let digest else { return [] }
        guard let folder = spec?.sourceFolder else {
            throw ProviderError(.rejected, "\(request.address): its source folder is not in the manifest any more")
        }
        let tree: SourceTree
        do {
            tree = try SourceTree(folder: folder)
        } catch {
            throw ProviderError(
                .rejected, "\(request.address): \(folder) cannot be read: \(error.localizedDescription)",
                attribute: "source")
        }
        guard tree.digest == digest else {
            throw ProviderError(
                .rejected, "\(request.address): the source changed since the plan", help: "plan again",
                attribute: "source")
        }
        return tree.files.map {
            [
                "path": .string($0.path), "executable": .bool($0.executable),
                "base64": .string(Data($0.bytes).base64EncodedString()),
            ]
        }
    }
}
