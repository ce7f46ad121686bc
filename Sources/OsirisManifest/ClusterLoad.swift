import OsirisDiagnostics
import OsirisModel

/// The way of one document: variables, schema, cross checks, model.
struct ClusterLoad {
    let document: YAMLDocument
    /// All files, for the digest.
    let files: [SourceFile]
    let folder: String
    let options: ManifestOptions
    private(set) var diagnostics: [Diagnostic] = []

    init(document: YAMLDocument, files: [SourceFile], folder: String, options: ManifestOptions) {
        self.document = document
        self.files = files
        self.folder = folder
        self.options = options
    }

    mutating func run() -> Cluster? {
        let probe = FileProbe(folder: folder)
        let variables = variables(probe)
        var checker = checker(variables, probe)
        checker.skipped = (parent: "spec", key: "variables")
        let checked = checker.check(document.root, .object(ManifestSchema.document))
        diagnostics += checker.diagnostics
        checkState()
        if let spec = checked["spec"] {
            var checks = CrossChecks(source: document.file, files: probe, kinds: options.kinds)
            checks.run(spec)
            diagnostics += checks.diagnostics
        }
        guard !diagnostics.hasErrors else { return nil }
        var builder = ClusterBuilder(source: document.file, files: probe)
        let cluster = builder.cluster(checked) { digest(variables, sources: $0) }
        diagnostics += builder.diagnostics
        return cluster
    }

    /// `spec.state` is read before variables have values.
    private mutating func checkState() {
        guard let node = document.root[key: "spec"]?[key: "state"], case .scalar(let scalar) = node.content,
            Expressions.occur(in: scalar.text)
        else { return }
        diagnostics.append(
            Diagnostic(
                .invalidExpression, "`spec.state` cannot hold an expression: it is read before everything else",
                at: node.place.span(in: document.file.name),
                help: "write it plainly, or leave it out and set OSIRIS_STATE"))
    }

    private mutating func variables(_ probe: FileProbe) -> [String: Variable] {
        var declared: Checked?
        if let node = document.root[key: "spec"]?[key: "variables"] {
            var checker = checker(nil, probe)
            checker.path = [.key("spec"), .key("variables")]
            declared = checker.check(node, .map(of: .object(ManifestSchema.variable)))
            diagnostics += checker.diagnostics
        }
        var resolver = VariableResolver(options: options, files: probe, source: document.file)
        let variables = resolver.resolve(declared)
        diagnostics += resolver.diagnostics
        return variables
    }

    private func checker(_ variables: [String: Variable]?, _ probe: FileProbe) -> Checker {
        Checker(
            reader: ScalarReader(variables: variables, environment: options.environment, source: document.file),
            files: probe, kinds: options.kinds, secretDigest: options.secretDigest)
    }

    /// Covers everything that decides about the cluster; each part is preceded by its length, so no two inputs collide.
    private func digest(_ variables: [String: Variable], sources: [String: String]) -> String {
        var bytes: [UInt8] = []
        func add(_ part: some Collection<UInt8>) {
            bytes += "\(part.count):".utf8
            bytes += part
        }
        func add(_ texts: [String: String]) {
            add("\(texts.count)".utf8)
            for (key, text) in texts.sorted(by: { $0.key < $1.key }) {
                add(key.utf8)
                add(text.utf8)
            }
        }
        add("\(files.count)".utf8)
        for file in files { add(file.bytes) }
        add(sources)
        add(
            variables.compactMapValues { variable in
                variable.value.map { variable.isSecret ? options.secretDigest($0.text) : $0.text }
            })
        // Only the environment variables that the manifest names; they may be confidential, so by digest.
        add(environmentNames().reduce(into: [:]) { $0[$1] = options.environment[$1].map(options.secretDigest) })
        return Digest.sha256(bytes)
    }

    private func environmentNames() -> Set<String> {
        var names: Set<String> = []
        func visit(_ node: Node) {
            switch node.content {
            case .mapping(let entries): for entry in entries { visit(entry.value) }
            case .sequence(let items): for item in items { visit(item) }
            case .scalar(let scalar) where Expressions.occur(in: scalar.text):
                for case .environment(let name, _) in Expressions.parse(scalar.text) { names.insert(name) }
            case .scalar, .invalid: break
            }
        }
        visit(document.root)
        return names
    }
}
