import OsirisDiagnostics
import OsirisModel

/// What to load, and the world around it.
public struct ManifestOptions: Sendable {
    /// Files, folders (read whole) and `-` for the standard input, in the order given.
    public var paths: [String]
    /// `--var name=value`.
    public var variables: [String: String]
    /// `--var-file`, in the order given: a later file wins.
    public var variableFiles: [String]
    /// The process environment: `${env.X}`, `from: env:X`, `OSIRIS_VAR_x`.
    public var environment: [String: String]
    /// Called once, if `-` is among the paths.
    public var standardInput: @Sendable () throws -> [UInt8]
    /// What the known providers accept under a target.
    public var kinds: [TargetKind]
    /// Salted digest of a secret, `hmac-sha256:…`.
    public var secretDigest: @Sendable (String) -> String

    public init(
        paths: [String], variables: [String: String] = [:], variableFiles: [String] = [],
        environment: [String: String] = [:],
        standardInput: @escaping @Sendable () throws -> [UInt8] = { [] }, kinds: [TargetKind],
        secretDigest: @escaping @Sendable (String) -> String
    ) {
        self.paths = paths
        self.variables = variables
        self.variableFiles = variableFiles
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
        let tree = ManifestTree(options)
        var diagnostics = tree.diagnostics
        var cluster: Cluster?
        var texts = tree.texts
        if let root = tree.root {
            var load = ClusterLoad(root: root, sources: tree.sources, folder: tree.folder, options: options)
            cluster = load.run()
            diagnostics += load.diagnostics
            texts.merge(load.texts) { first, _ in first }
        }
        return LoadedManifest(
            cluster: diagnostics.hasErrors ? nil : cluster, diagnostics: diagnostics.sortedForDisplay(),
            sources: texts, lineCount: tree.sources.files.reduce(0) { $0 + $1.lineCount })
    }
}
