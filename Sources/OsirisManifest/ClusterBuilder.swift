import Foundation
import OsirisDiagnostics
import OsirisModel

/// Turns a checked document without faults into a `Cluster`.
struct ClusterBuilder {
    let sources: SourceSet
    let files: FileProbe
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var sourceDigests: [String: String] = [:]

    init(sources: SourceSet, files: FileProbe) {
        self.sources = sources
        self.files = files
    }

    /// - Returns: nil if a source folder cannot be read.
    mutating func cluster(_ document: Checked, digest: (_ sources: [String: String]) -> String) -> Cluster? {
        guard let name = document["metadata"]?["name"]?.text, let spec = document["spec"] else { return nil }
        let functions = (spec["functions"]?.items ?? []).compactMap { function($0) }
        guard diagnostics.isEmpty else { return nil }
        let targets = (spec["targets"]?.items ?? []).compactMap(target)
        return Cluster(
            name: name, hub: hub(spec), functions: functions, targets: targets, safety: safety(spec),
            rollout: rollout(spec), moved: (spec["moved"]?.items ?? []).compactMap(moved),
            digest: digest(sourceDigests), folder: files.folder,
            spans: document.spans(in: sources, depth: 3))
    }

    private func hub(_ spec: Checked) -> HubSpec {
        let hub = spec["hub"]
        return HubSpec(
            image: hub?["image"]?.text, archive: hub?["archive"]?.text,
            port: hub?["port"]?.value.intValue ?? ManifestSchema.hub["port"]?.defaultValue?.intValue ?? 8080,
            alerts: (hub?["alerts"]?.items ?? []).compactMap(alert), tls: hub?["tls"]?.value.boolValue,
            settings: HubSpec.Settings(manifest: hub?["settings"]?.value.mapValue ?? [:]),
            spans: spans(of: hub, in: spec))
    }

    private func alert(_ alert: Checked) -> HubSpec.Alert? {
        guard let url = alert["url"]?.value else { return nil }
        let rate = alert["errorRate"].map { rate in
            HubSpec.Alert.ErrorRate(
                percent: rate["percent"]?.value.intValue ?? 5,
                windowMilliseconds: rate["window"]?.value.intValue ?? 300_000,
                least: rate["least"]?.value.intValue ?? 20)
        }
        return HubSpec.Alert(
            url: url, secret: alert["secret"]?.value,
            on: (alert["on"]?.value.listValue ?? []).compactMap(\.stringValue), errorRate: rate)
    }

    private func safety(_ spec: Checked) -> SafetySpec {
        let safety = spec["safety"]
        return SafetySpec(
            maxDeletes: safety?["maxDeletes"]?.value.intValue,
            protect: (safety?["protect"]?.value.listValue ?? []).compactMap(\.stringValue),
            spans: spans(of: safety, in: spec))
    }

    private func moved(_ entry: Checked) -> MovedSpec? {
        guard let from = entry["from"]?.text.flatMap(MovedSpec.Name.init),
            let to = entry["to"]?.text.flatMap(MovedSpec.Name.init)
        else { return nil }
        return MovedSpec(from: from, to: to, span: entry["from"]?.place.span(in: sources))
    }

    private func rollout(_ spec: Checked) -> RolloutSpec {
        let rollout = spec["rollout"]
        let plain = RolloutSpec()
        let unavailable: RolloutSpec.Unavailable? =
            switch rollout?["maxUnavailable"]?.value {
            case .int(let count): .count(count)
            case .string(let text): Quantities.percent(text).map { .percent($0) }
            default: nil
            }
        return RolloutSpec(
            canary: rollout?["canary"]?.value.intValue ?? plain.canary,
            maxUnavailable: unavailable ?? plain.maxUnavailable,
            gate: rollout?["gate"]?.text.flatMap(RolloutSpec.Gate.init) ?? plain.gate,
            onFailure: rollout?["onFailure"]?.text.flatMap(RolloutSpec.OnFailure.init) ?? plain.onFailure,
            pauseMilliseconds: rollout?["pause"]?.value.intValue ?? plain.pauseMilliseconds)
    }

    /// Of a part that is not written, `spec` is the place.
    private func spans(of part: Checked?, in spec: Checked) -> SpanMap {
        part?.spans(in: sources) ?? SpanMap(whole: (spec.keyPlace ?? spec.place).span(in: sources))
    }

    private func target(_ target: Checked) -> Target? {
        guard let name = target["name"]?.text, let provider = target["provider"]?.text else { return nil }
        var settings = target.value.mapValue ?? [:]
        settings["name"] = nil
        settings["provider"] = nil
        settings["labels"] = nil
        return Target(
            name: name, provider: provider, settings: settings, labels: texts(target["labels"]),
            spans: target.spans(in: sources))
    }

    private func texts(_ map: Checked?) -> [String: String] {
        (map?.value.mapValue ?? [:]).compactMapValues(\.stringValue)
    }

    private mutating func function(_ function: Checked) -> FunctionSpec? {
        guard let name = function["name"]?.text, let namespace = function["namespace"]?.text,
            let runtime = function["runtime"]?.text.flatMap(FunctionSpec.Runtime.init)
        else { return nil }
        var folder: String?
        var digest: String?
        if let path = function["source"] {
            folder = path.text.map(files.absolute)
            digest = sourceDigest(path)
        }
        let smoke = function["smoke"].map { smoke in
            FunctionSpec.Smoke(
                input: smoke["input"]?.value ?? .null, expect: smoke["expect"]?.value,
                withinMilliseconds: smoke["within"]?.value.intValue ?? 2000)
        }
        return FunctionSpec(
            name: name, namespace: namespace, runtime: runtime, sourceFolder: folder, sourceDigest: digest,
            handler: function["handler"]?.text,
            command: (function["command"]?.value.listValue ?? []).compactMap(\.stringValue),
            image: function["image"]?.text, port: function["port"]?.value.intValue,
            alwaysOn: function["alwaysOn"]?.value.boolValue ?? true,
            scale: scale(function["scale"]),
            limits: limits(function["limits"]), network: function["network"]?.value.boolValue ?? true,
            env: function["env"]?.value.mapValue ?? [:], secrets: function["secrets"]?.value.mapValue ?? [:],
            secretFiles: function["secretFiles"]?.value.mapValue ?? [:],
            smoke: smoke, placement: function["placement"]?["targets"]?.value.listValue?.compactMap(\.stringValue),
            placementLabels: texts(function["placement"]?["labels"]), spans: function.spans(in: sources))
    }

    private func scale(_ scale: Checked?) -> FunctionSpec.Scale {
        typealias Scale = FunctionSpec.Scale
        return Scale(
            min: scale?["min"]?.value.intValue ?? Scale.defaultMin, max: scale?["max"]?.value.intValue,
            concurrency: scale?["concurrency"]?.value.intValue ?? Scale.defaultConcurrency,
            idleMilliseconds: scale?["idle"]?.value.intValue ?? Scale.defaultIdleMilliseconds)
    }

    private func limits(_ limits: Checked?) -> FunctionSpec.Limits {
        typealias Limits = FunctionSpec.Limits
        return Limits(
            timeoutMilliseconds: limits?["timeout"]?.value.intValue ?? Limits.defaultTimeoutMilliseconds,
            outputBytes: limits?["output"]?.value.intValue ?? Limits.defaultOutputBytes,
            memoryBytes: limits?["memory"]?.value.intValue,
            processorThousandths: limits?["cpu"]?.value.numberValue.map { Int(($0 * 1000).rounded()) },
            processes: limits?["processes"]?.value.intValue, openFiles: limits?["openFiles"]?.value.intValue,
            diskBytes: limits?["disk"]?.value.intValue)
    }

    /// Each folder is read once, however many functions share it.
    private mutating func sourceDigest(_ path: Checked) -> String? {
        guard let text = path.text else { return nil }
        if let known = sourceDigests[text] { return known }
        do {
            let digest = try SourceTree(folder: files.absolute(text)).digest
            sourceDigests[text] = digest
            return digest
        } catch {
            diagnostics.append(
                Diagnostic(
                    .error, .fileUnreadable, "cannot read the folder \(text.ticked): \(error.localizedDescription)",
                    at: path.place.span(in: sources)))
            return nil
        }
    }
}
