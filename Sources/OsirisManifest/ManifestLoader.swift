import OsirisDiagnostics
import OsirisModel

/// What to load, and the world around it.
public struct ManifestOptions: Sendable {
    /// Files, folders (read whole) and `-` for the standard input, in the order given.
    public var paths: [String]
    /// `--var name=value`.
    public var variables: [String: String]
    /// The process environment: `${env.X}`, `from: env:X`, `OSIRIS_VAR_x`.
    public var environment: [String: String]
    /// Called once, if `-` is among the paths.
    public var standardInput: @Sendable () throws -> [UInt8]
    /// What the known providers accept under a target.
    public var kinds: [TargetKind]
    /// Salted digest of a secret, `hmac-sha256:…`.
    public var secretDigest: @Sendable (String) -> String

    public init(
        paths: [String], variables: [String: String] = [:], environment: [String: String] = [:],
        standardInput: @escaping @Sendable () throws -> [UInt8] = { [] }, kinds: [TargetKind],
        secretDigest: @escaping @Sendable (String) -> String
    ) {
        self.paths = paths
        self.variables = variables
        self.environment = environment
        self.standardInput = standardInput
        self.kinds = kinds
        self.secretDigest = secretDigest
    }
}

/// What came of loading.
public struct LoadedManifest: Sendable {
    /// Nil if there is any error.
    public var cluster: Cluster?
    /// In display order.
    public var diagnostics: [Diagnostic]
    /// File name (as in the spans) to text, for rendering; secrets that stand in it are masked.
    public var sources: [String: String]
    /// Lines of all files.
    public var lineCount: Int

    public init(cluster: Cluster?, diagnostics: [Diagnostic], sources: [String: String], lineCount: Int) {
        self.cluster = cluster
        self.diagnostics = diagnostics
        self.sources = sources
        self.lineCount = lineCount
    }
}

/// Reads manifests: files to trees, trees through the schema, then to a `Cluster`.
public enum ManifestLoader {
    /// Never throws: whatever is wrong is among the diagnostics, as many faults as can be seen in one run.
    public static func load(_ options: ManifestOptions) -> LoadedManifest {
        var (files, diagnostics) = ManifestFiles.read(options)
        let folder = ManifestFiles.folder(of: options.paths.first)
        var sources: [String: String] = [:]
        var documents: [YAMLDocument] = []
        for file in files.sources {
            let (read, faults) = YAMLReader.read(file)
            documents += read
            diagnostics += faults
            sources[file.name] = SecretMask.masked(file, read, hasFaults: !faults.isEmpty)
        }
        for (name, text) in files.undecoded { sources[name] = text }
        let chosen = choose(documents, &diagnostics)
        var cluster: Cluster?
        if let chosen {
            var load = ClusterLoad(document: chosen, files: files.sources, folder: folder, options: options)
            cluster = load.run()
            diagnostics += load.diagnostics
        } else if !diagnostics.hasErrors {
            let names = options.paths.map { $0 == "-" ? "the standard input" : "`\($0)`" }.joined(separator: ", ")
            diagnostics.append(
                Diagnostic(
                    .error, .emptyManifest, "no `kind: Cluster` document in \(names.isEmpty ? "no files" : names)",
                    at: files.sources.first.map { Place.start.span(in: $0.name) },
                    help: "start with:\napiVersion: \(ManifestSchema.apiVersion)\nkind: Cluster"))
        }
        return LoadedManifest(
            cluster: diagnostics.hasErrors ? nil : cluster, diagnostics: diagnostics.sortedForDisplay(),
            sources: sources, lineCount: files.sources.reduce(0) { $0 + $1.lineCount })
    }

    /// The one document that describes a cluster; what stands beside it is reported.
    private static func choose(_ documents: [YAMLDocument], _ diagnostics: inout [Diagnostic]) -> YAMLDocument? {
        var chosen: YAMLDocument?
        for document in documents {
            guard case .mapping(let entries) = document.root.content else {
                diagnostics.append(
                    Diagnostic(
                        .error, .wrongType, "a manifest must be a mapping, found \(document.root.described)",
                        at: document.root.place.span(in: document.file.name),
                        help: "start with `apiVersion: \(ManifestSchema.apiVersion)`"))
                continue
            }
            let kind = document.root[key: "kind"]
            if let kind, case .scalar(let scalar) = kind.content, isOther(scalar) {
                let later = ManifestRules.laterKinds.contains(scalar.text)
                diagnostics.append(
                    Diagnostic(
                        .error, .unsupportedVersion,
                        "kind \(scalar.text.ticked) is not supported" + (later ? " by this version" : ""),
                        at: kind.place.span(in: document.file.name), help: "the only kind is `\(ManifestSchema.kind)`"))
                continue
            }
            guard let first = chosen else {
                chosen = document
                continue
            }
            func head(_ document: YAMLDocument, _ fallback: Place) -> SourceSpan {
                (document.root[key: "kind"]?.place ?? fallback).span(in: document.file.name)
            }
            diagnostics.append(
                Diagnostic(
                    .error, .severalClusters, "a second `kind: Cluster` document",
                    at: head(document, entries.first?.keyPlace ?? document.root.place),
                    notes: [.init("the first one is here", at: head(first, first.root.place))],
                    help: "a run handles one cluster; give the other one a run of its own"))
        }
        return chosen
    }

    /// True for a kind that is not `Cluster`, and not a misspelling of it either.
    private static func isOther(_ kind: Node.Scalar) -> Bool {
        kind.resolved == .string && !Expressions.occur(in: kind.text)
            && Suggestion.didYouMean(kind.text, among: [ManifestSchema.kind]) == nil
    }
}

extension Place {
    static let start = Place(line: 1, column: 1, endLine: 1, endColumn: 1)
}
