import OsirisDiagnostics
import OsirisModel

/// A document with `kind: Overlay`: where its base is, and what it changes.
struct Overlay {
    /// The base as it is read: its path from where osiris runs, and what its relative paths lack.
    struct Base {
        var path: String
        var prefix: String
        var place: Place
    }

    private let document: YAMLDocument
    private let sources: SourceSet
    private let folder: String
    private var checked: Checked?
    /// Nil before `check`, and if there is none.
    private(set) var base: Base?

    init(_ document: YAMLDocument, sources: SourceSet, folder: String) {
        (self.document, self.sources, self.folder) = (document, sources, folder)
    }

    private var spec: Node? { document.root[key: "spec"] }

    /// Checks the overlay itself; what it changes is checked with the cluster.
    mutating func check() -> [Diagnostic] {
        let here = RelativePath.folder(of: document.file.name)
        let files = FileProbe(folder: RelativePath.absolute(here))
        var checker = Checker(
            reader: ScalarReader(variables: [:], environment: [:], sources: sources), files: files, kinds: [],
            secretDigest: { $0 })
        checker.skipped = ["spec": ["patch", "add", "base"]]
        let checked = checker.check(document.root, .object(ManifestSchema.overlay))
        self.checked = checked
        var diagnostics = checker.diagnostics
        func report(_ code: DiagnosticCode, _ message: String, at place: Place, help: String? = nil) {
            diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: sources), help: help))
        }
        for key in ["patch", "add"] {
            guard let node = spec?[key: key], !node.isMapping else { continue }
            if case .invalid = node.content { continue }
            report(
                .wrongType, "`spec.\(key)` must be a mapping, found \(node.described)", at: node.place,
                help: "write a part of a cluster's `spec`, such as `\(key): {hub: {port: 9090}}`")
        }
        guard checked["spec"]?.isInvalid == false, let spec else { return diagnostics }
        guard let node = spec[key: "base"] else {
            report(
                .missingKey, "`spec` needs the key `base`", at: spec.entries.first?.keyPlace ?? spec.place,
                help: "add `base: ../../base`")
            return diagnostics
        }
        guard case .scalar(let scalar) = node.content, scalar.resolved == .string, !scalar.text.isEmpty else {
            if case .invalid = node.content { return diagnostics }
            report(
                .wrongType, "`spec.base` must be a path, found \(node.described)", at: node.place,
                help: "for example `base: ../../base`")
            return diagnostics
        }
        guard !Expressions.occur(in: scalar.text) else {
            report(
                .invalidExpression, "`spec.base` cannot hold an expression: it is read before everything else",
                at: node.place, help: "write it plainly; several overlays can share one base")
            return diagnostics
        }
        guard let kind = files.kind(of: scalar.text) else {
            let near = files.nearest(to: scalar.text, .folder) ?? files.nearest(to: scalar.text, .file)
            report(
                .missingSource, "`spec.base`: there is no file or folder \(scalar.text.ticked)", at: node.place,
                help: near.map { "did you mean `\($0)`?" }
                    ?? "the path starts at the folder of \(document.file.name.ticked)")
            return diagnostics
        }
        let path = scalar.text.hasPrefix("/") ? scalar.text : RelativePath.normalized("\(here)/\(scalar.text)")
        let absolute = RelativePath.absolute(path)
        base = Base(
            path: path,
            prefix: RelativePath.way(from: folder, to: kind == .folder ? absolute : RelativePath.folder(of: absolute)),
            place: node.place)
        return diagnostics
    }

    /// The base as this overlay changes it.
    func applied(to root: Node, sources: SourceSet) -> (root: Node, diagnostics: [Diagnostic]) {
        var merge = OverlayMerge(sources: sources)
        var result = root
        if var merged = root[key: "spec"], merged.isMapping {
            for (item, node) in zip(checked?["spec"]?["remove"]?.items ?? [], spec?[key: "remove"]?.items ?? []) {
                if let text = item.text { merged = merge.remove(text, at: node.place, from: merged) }
            }
            if let patch = spec?[key: "patch"], patch.isMapping { merged = merge.patch(merged, with: patch) }
            if let addition = spec?[key: "add"], addition.isMapping { merged = merge.add(addition, to: merged) }
            let keyPlace = root.entries.first { $0.key == "spec" }?.keyPlace ?? merged.place
            result = result.setting("spec", to: merged, keyPlace: keyPlace)
        }
        if let name = document.root[key: "metadata"]?[key: "name"], let metadata = root[key: "metadata"] {
            let keyPlace = root.entries.first { $0.key == "metadata" }?.keyPlace ?? metadata.place
            let named = metadata.isMapping ? metadata.setting("name", to: name, keyPlace: name.place) : metadata
            result = result.setting("metadata", to: named, keyPlace: keyPlace)
        }
        return (result, merge.diagnostics)
    }
}
