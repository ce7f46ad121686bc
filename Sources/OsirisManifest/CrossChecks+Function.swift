import OsirisDiagnostics
import OsirisModel

extension CrossChecks {
    /// The keys that not every runtime has: with which they go, and of these for which they must be there.
    private static let keysOfRuntimes: [(key: String, runtimes: [String], needed: [String], example: String)] = [
        ("handler", ["python3", "node"], ["python3", "node"], "module.function"),
        ("source", ["python3", "node", "command"], ["python3", "node"], "functions/hello"),
        ("command", ["command", "container"], ["command"], "[./run.sh]"),
        ("image", ["container"], ["container"], "registry.example/resize@sha256:…"),
        ("port", ["container"], [], "8080"),
    ]

    /// What a single function must hold beyond its schema.
    mutating func check(_ function: Checked) {
        guard let name = function["name"] else { return }
        let label = name.text.map { "function `\($0)`" } ?? "the function"
        if let runtime = function["runtime"]?.text { keys(of: function, label, runtime: runtime) }
        if let handler = function["handler"]?.text, let runtime = function["runtime"]?.text,
            let modules = Modules.byRuntime[runtime]
        {
            check(handler: handler, modules, of: function)
        }
        if let command = function["command"], case .list(let words) = command.content, words.isEmpty {
            report(.outOfRange, "the command of \(label) is empty", at: command.place, help: "name a program")
        }
        if let image = function["image"], let text = image.text, !Self.isImage(text) {
            report(
                .invalidName, "\(text.ticked) is not the reference of an image", at: image.place,
                help: "write `REPOSITORY:TAG`, or better `REPOSITORY@sha256:…`, which always means the same")
        }
        // The hub's own bounds, so that nothing passes here that it refuses later.
        within(1...3_600_000, "1ms to 1h", function["limits"]?["timeout"], "the timeout of \(label)", "10s")
        within((16 << 20)...(1 << 50), "16Mi or more", function["limits"]?["memory"], "the memory of \(label)", "128Mi")
        within((64 << 10)...(1 << 50), "64Ki or more", function["limits"]?["disk"], "the disk of \(label)", "16Mi")
        within(1...(64 << 20), "1 to 64Mi", function["limits"]?["output"], "the output of \(label)", "64Ki")
        within(1...3_600_000, "1ms to 1h", function["smoke"]?["within"], "the smoke call's time of \(label)", "2s")
        within(
            1...86_400_000, "1ms to 24h", function["scale"]?["idle"], "the idle time of \(label)", "5m")
        scale(of: function, label)
        environment(of: function)
    }

    private mutating func scale(of function: Checked, _ label: String) {
        guard let scale = function["scale"] else { return }
        let minimum = scale["min"]?.value.intValue ?? FunctionSpec.Scale.defaultMin
        if let max = scale["max"], case .leaf(.int(let most)) = max.content, (1...64).contains(most), most < minimum {
            report(
                .outOfRange, "\(label) has at most \(most) instances and at least \(minimum)", at: max.place,
                help: "raise `max`, or lower `min`")
        }
        // True is the default; an expression is judged once it has a value.
        let alwaysOn = function["alwaysOn"].map { $0.value.boolValue == true } ?? true
        if alwaysOn, minimum == 0, let place = scale["min"]?.place {
            report(
                .conflictingKeys, "\(label) is always on, so it cannot be scaled to zero", at: place,
                help: "add `alwaysOn: false`, or set `min` to 1")
        }
    }

    private mutating func need(
        _ key: String, _ example: String, of function: Checked, _ label: String, runtime: String
    ) {
        guard function[key] == nil, let place = function["runtime"]?.place else { return }
        report(
            .missingKey, "\(label) needs the key `\(key)`, as its runtime is `\(runtime)`", at: place,
            help: "add `\(key): \(example)`")
    }

    private mutating func keys(of function: Checked, _ label: String, runtime: String) {
        for (key, runtimes, needed, example) in Self.keysOfRuntimes {
            if needed.contains(runtime) { need(key, example, of: function, label, runtime: runtime) }
            guard !runtimes.contains(runtime), let place = function[key]?.keyPlace else { continue }
            report(
                .conflictingKeys, "\(label) has `\(key)`, which the runtime `\(runtime)` does not use", at: place,
                help: "remove it, or use `runtime: \(runtimes[0])`")
        }
    }

    /// The characters of a reference (https://github.com/opencontainers/distribution-spec, "Pulling manifests").
    private static func isImage(_ text: String) -> Bool {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@".utf8)
        return (1...512).contains(text.utf8.count) && text.utf8.allSatisfy(allowed.contains) && !text.hasPrefix("-")
    }

    /// The files in which a runtime looks for a handler.
    private struct Modules {
        static let byRuntime = [
            "python3": Modules(language: "Python", ends: [".py", "/__init__.py"]),
            "node": Modules(language: "JavaScript", ends: [".js", ".mjs", ".cjs"]),
        ]

        var language: String
        /// What follows the module's name, the usual one first.
        var ends: [String]

        /// The module that a file holds, nil if it is none.
        func module(of file: String) -> String? {
            ends.first { file.hasSuffix($0) }.map { String(file.dropLast($0.count)) }
        }
    }

    private mutating func check(handler: String, _ kind: Modules, of function: Checked) {
        guard let place = function["handler"]?.place else { return }
        let parts = handler.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ Expressions.isEnvironmentName($0) }) else {
            let example = Expressions.isEnvironmentName(handler) ? "\(handler).handle" : "hello.handle"
            report(
                .invalidName, "\(handler.ticked) is not a handler", at: place,
                help: "write `module.function`, for example `\(example)`")
            return
        }
        guard let folder = function["source"]?.text else { return }
        if let ending = parts.last, kind.ends.contains("." + ending) {
            report(
                .invalidName, "\(handler.ticked) names a file, not a function in it", at: place,
                help: "write `module.function`, for example `\(parts[0]).handle`")
            return
        }
        let module = parts.dropLast().joined(separator: "/")
        let candidates = kind.ends.map { module + $0 }
        if candidates.contains(where: { files.kind(of: folder + "/" + $0) == .file }) { return }
        let modules = files.names(in: folder).compactMap(kind.module)
        let near = Suggestion.didYouMean(parts.dropLast().joined(separator: "."), among: modules)
        report(
            .missingSource, "the folder \(folder.ticked) has no module `\(candidates[0])`", at: place,
            help: near.map { "did you mean `\($0).\(parts[parts.count - 1])`?" }
                ?? (modules.isEmpty
                    ? "the folder holds no \(kind.language) file" : "its modules: \(modules.ticked())"))
    }

    private mutating func within(
        _ range: ClosedRange<Int>, _ words: String, _ quantity: Checked?, _ label: String, _ example: String
    ) {
        guard let quantity, case .leaf(.int(let number)) = quantity.content, !range.contains(number) else { return }
        report(.outOfRange, "\(label) must be \(words)", at: quantity.place, help: "for example `\(example)`")
    }

    private mutating func environment(of function: Checked) {
        let plain = function["env"]?.entries ?? [:]
        let secrets = function["secrets"]?.entries ?? [:]
        for (name, value) in plain.merging(secrets, uniquingKeysWith: { first, _ in first }) {
            guard let place = value.keyPlace, !Expressions.occur(in: name) else { continue }
            if name.hasPrefix("OSIRIS_") {
                report(
                    .invalidName, "\(name.ticked) belongs to the hub, as all names that begin with `OSIRIS_`",
                    at: place,
                    help: "give the variable another name")
            }
            if Expressions.isEnvironmentName(name) { continue }
            report(
                .invalidName, "\(name.ticked) is not the name of an environment variable", at: place,
                help: "use letters, digits and `_`, not starting with a digit")
        }
        for (name, value) in secrets {
            guard let place = value.keyPlace, let other = plain[name]?.keyPlace else { continue }
            report(
                .conflictingKeys, "`\(name)` stands under both `env` and `secrets`", at: place,
                notes: [.init("the other one", at: other.span(in: sources))], help: "keep one of the two")
        }
        for (name, value) in function["secretFiles"]?.entries ?? [:] {
            guard let place = value.keyPlace, !Expressions.occur(in: name), !Self.isFileName(name) else { continue }
            report(
                .invalidName, "\(name.ticked) is not the name of a secret file", at: place,
                help: "use at most 100 letters, digits and `-_.`, not starting with a dot, such as `tls.key`")
        }
    }

    /// What the hub takes as one.
    private static func isFileName(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }
}
