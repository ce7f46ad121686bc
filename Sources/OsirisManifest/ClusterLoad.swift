import OsirisDiagnostics
import OsirisModel

/// The way of one cluster: variables, defaults, schema, cross checks, model.
struct ClusterLoad {
    private let written: Node
    /// The manifest's own files, for the digest.
    private let files: [SourceFile]
    private let folder: String
    private let options: ManifestOptions
    private(set) var sources: SourceSet
    private(set) var diagnostics: [Diagnostic] = []
    /// Texts of what was read for variables by the names in the spans, secrets masked.
    private(set) var texts: [String: String] = [:]

    init(root: Node, sources: SourceSet, folder: String, options: ManifestOptions) {
        written = root
        files = sources.files
        self.sources = sources
        self.folder = folder
        self.options = options
    }

    mutating func run() -> Cluster? {
        let probe = FileProbe(folder: folder)
        let variables = variables(probe)
        var checker = checker(variables, probe)
        checker.skipped = ["spec": ["variables"]]
        let root = TargetDefaults(reader: checker.reader).applied(to: written)
        let checked = checker.check(root, .object(ManifestSchema.document))
        diagnostics += checker.diagnostics
        checkState()
        if let spec = checked["spec"] {
            var checks = CrossChecks(sources: sources, files: probe, kinds: options.kinds)
            checks.run(spec, outputs: checker.outputs)
            diagnostics += checks.diagnostics
        }
        guard !diagnostics.hasErrors else { return nil }
        var builder = ClusterBuilder(sources: sources, files: probe)
        let cluster = builder.cluster(checked) { digest(variables, sources: $0) }
        diagnostics += builder.diagnostics
        return cluster
    }

    /// `spec.state` is read before variables have values.
    private mutating func checkState() {
        guard let node = written[key: "spec"]?[key: "state"], case .scalar(let scalar) = node.content,
            Expressions.occur(in: scalar.text)
        else { return }
        diagnostics.append(
            Diagnostic(
                .invalidExpression, "`spec.state` cannot hold an expression: it is read before everything else",
                at: node.place.span(in: sources),
                help: "write it plainly, or leave it out and set OSIRIS_STATE"))
    }

    private mutating func variables(_ probe: FileProbe) -> [String: Variable] {
        let node = written[key: "spec"]?[key: "variables"]
        let before = sources.files.count
        let (given, faults) = VariableFile.read(options.variableFiles, into: &sources)
        diagnostics += faults
        var declared: Checked?
        if let node {
            var checker = checker(nil, probe)
            checker.path = [.key("spec"), .key("variables")]
            declared = checker.check(node, .map(of: .object(ManifestSchema.variable)))
            diagnostics += checker.diagnostics
        }
        var resolver = VariableResolver(options: options, files: probe, given: given, sources: sources)
        let variables = resolver.resolve(declared, node)
        diagnostics += resolver.diagnostics
        sources = resolver.sources
        // What is not declared may be a secret with a misspelt name.
        var mask = SecretMask([])
        for entry in given.flatMap(\.entries) where variables[entry.key]?.isSecret ?? true { mask.hide(entry.value) }
        for file in sources.files[before...] { texts[file.name] = mask.masked(file, hasFaults: false) }
        return variables
    }

    private func checker(_ variables: [String: Variable]?, _ probe: FileProbe) -> Checker {
        Checker(
            reader: ScalarReader(variables: variables, environment: options.environment, sources: sources),
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
                variable.value.map { variable.isSecret ? options.secretDigest($0.text) : $0.canonical }
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
        visit(written)
        return names
    }
}
