import Foundation
import OsirisDiagnostics
import OsirisModel

/// Faults that need more than one value, or the files of a function, to be seen.
struct CrossChecks {
    let sources: SourceSet
    let files: FileProbe
    let kinds: [TargetKind]
    private(set) var diagnostics: [Diagnostic] = []

    init(sources: SourceSet, files: FileProbe, kinds: [TargetKind]) {
        self.sources = sources
        self.files = files
        self.kinds = kinds
    }

    mutating func run(_ spec: Checked, outputs: [TargetOutput.Use]) {
        if let hub = spec["hub"], let image = hub["image"], let archive = hub["archive"] {
            let places = [image.keyPlace ?? image.place, archive.keyPlace ?? archive.place].sorted { $0.precedes($1) }
            report(
                .conflictingKeys, "`spec.hub` has both `image` and `archive`", at: places[1],
                notes: [.init("the other one", at: places[0].span(in: sources))], help: "keep one of the two")
        }
        for alert in spec["hub"]?["alerts"]?.items ?? [] { check(alert: alert) }
        unique(spec["hub"]?["alerts"]?.items ?? [], called: "alert", by: "url") { $0["url"]?.text }
        if let state = spec["state"] { place(of: state) }
        let targets = spec["targets"]?.items ?? []
        let functions = spec["functions"]?.items ?? []
        unique(targets, called: "target") { $0["name"]?.text }
        for target in targets { provider(of: target) }
        unique(functions, called: "function") { function in
            guard let name = function["name"]?.text, let namespace = function["namespace"]?.text else { return nil }
            return namespace + "/" + name
        }
        let names = targets.compactMap { $0["name"]?.text }
        let allNamed = targets.allSatisfy { $0["name"]?.text != nil } && spec["targets"]?.isInvalid != true
        for use in outputs where allNamed && !names.contains(use.output.target) {
            unknownTarget(use.output.target, among: names, at: use.place)
        }
        for function in functions {
            placement(of: function, targets: names, complete: allNamed)
            check(function)
        }
        moved(
            spec["moved"]?.items ?? [], targets: names,
            functions: functions.compactMap { function in
                guard let name = function["name"]?.text, let namespace = function["namespace"]?.text else { return nil }
                return namespace + "/" + name
            }, isWhole: allNamed && spec["functions"]?.isInvalid != true)
        for pattern in spec["safety"]?["protect"]?.items ?? [] { glob(pattern) }
    }

    private mutating func place(of state: Checked) {
        guard let text = state.text else { return }
        if text.isEmpty { report(.missingKey, "`spec.state` is empty", at: state.place, help: "name a file or a URL") }
        guard let end = text.range(of: "://")?.lowerBound else { return }
        let scheme = String(text[..<end])
        if ManifestRules.stateSchemes.contains(scheme) { return }
        let near =
            Suggestion.didYouMean(scheme, among: ManifestRules.stateSchemes).map { "did you mean `\($0)`? " } ?? ""
        report(
            .invalidChoice, "`spec.state` begins with \((scheme + "://").ticked), which is no place for a state",
            at: state.place, help: near + "write a path, `etcd://…`, `etcds://…` or `s3://…`")
    }

    private mutating func check(alert: Checked) {
        if let url = alert["url"], let text = url.text, !text.hasPrefix("http://"), !text.hasPrefix("https://") {
            report(
                .wrongType, "the `url` of an alert must be an `http` or `https` URL", at: url.place,
                help: "write it like `https://hooks.example.com/osiris`")
        }
        if let window = alert["errorRate"]?["window"], let time = window.value.intValue,
            !(60_000...3_600_000).contains(time)
        {
            report(.outOfRange, "`window` must be `1m` to `1h`", at: window.place, help: "write it like `5m`")
        }
    }

    private mutating func unique(
        _ parts: [Checked], called noun: String, by field: String = "name", key: (Checked) -> String?
    ) {
        var seen: [String: Checked] = [:]
        for part in parts {
            guard let name = key(part), let place = part[field]?.place else { continue }
            if let first = seen[name]?[field] {
                report(
                    .duplicateName, "the \(noun) `\(name)` is defined twice", at: place,
                    notes: [.init("first defined here", at: first.place.span(in: sources))],
                    help: "give one of them another \(field)")
            } else {
                seen[name] = part
            }
        }
    }

    private mutating func provider(of target: Checked) {
        guard let provider = target["provider"], let name = provider.text,
            !kinds.contains(where: { $0.provider == name })
        else { return }
        let known = kinds.map(\.provider).sorted()
        let list = known.isEmpty ? "this build has no providers" : "known providers: \(known.ticked())"
        let near = Suggestion.didYouMean(name, among: known).map { "did you mean `\($0)`? " } ?? ""
        report(
            .unknownProvider, "there is no provider \(name.ticked)", at: provider.place,
            help: near.isEmpty ? list : near.trimmedEnd + " (\(list))")
    }

    private mutating func placement(of function: Checked, targets: [String], complete: Bool) {
        var seen: [String: Place] = [:]
        for entry in function["placement"]?["targets"]?.items ?? [] {
            guard let name = entry.text else { continue }
            if let first = seen[name] {
                report(
                    .duplicateName, "the target `\(name)` is listed twice", at: entry.place,
                    notes: [.init("first listed here", at: first.span(in: sources))], help: "remove one of the two")
            }
            seen[name] = entry.place
            if targets.contains(name) || !complete { continue }
            unknownTarget(name, among: targets, at: entry.place)
        }
        if let part = function["placement"], case .object(let keys) = part.content, keys["targets"] == nil,
            keys["labels"].map({ $0.isDefault || $0.entries?.isEmpty == true }) ?? true
        {
            report(
                .missingKey, "`placement` names neither targets nor labels", at: part.keyPlace ?? part.place,
                help: "add `targets: [\(targets.first ?? "rack-a")]`, or remove it: a function runs everywhere")
        }
    }

    private mutating func unknownTarget(_ name: String, among targets: [String], at place: Place) {
        let near = Suggestion.didYouMean(name, among: targets)
        report(
            .unknownTarget, "there is no target \(name.ticked)", at: place,
            help: near.map { "did you mean `\($0)`?" }
                ?? (targets.isEmpty ? "`spec.targets` defines none" : "known targets: \(targets.ticked())"))
    }

    /// `*` is the only wildcard; every address has a `/`.
    private mutating func glob(_ pattern: Checked) {
        guard let text = pattern.text else { return }
        let refused = text.first { "?[]{}!\\".contains($0) || $0.isWhitespace }
        if text.isEmpty {
            report(.invalidPattern, "an empty pattern protects nothing", at: pattern.place, help: "write `TARGET/*`")
        } else if let refused {
            report(
                .invalidPattern, "\(text.ticked) is not a pattern: `\(refused)` is not allowed", at: pattern.place,
                help: "`*`, any run of characters, is the only wildcard")
        } else if !text.contains("/"), !text.contains("*") {
            report(
                .invalidPattern, "\(text.ticked) can match no address", at: pattern.place,
                help: "addresses look like `target/type.name`; write `\(text)/*` for a whole target")
        }
    }

    mutating func report(
        _ code: DiagnosticCode, _ message: String, at place: Place, notes: [Diagnostic.Note] = [], help: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(.error, code, message, at: place.span(in: sources), notes: notes, help: help))
    }
}

extension Checked {
    /// The text of a valid string.
    var text: String? { if case .leaf(.string(let text)) = content { text } else { nil } }
}

extension Place {
    fileprivate func precedes(_ other: Place) -> Bool {
        (file, line, column) < (other.file, other.line, other.column)
    }
}

extension String {
    fileprivate var trimmedEnd: String { hasSuffix(" ") ? String(dropLast()) : self }
}
