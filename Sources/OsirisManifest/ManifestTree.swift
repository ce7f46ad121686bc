import OsirisDiagnostics
import OsirisModel

/// The document of a run: read and with its overlays applied, but not checked yet.
struct ManifestTree {
    var sources = SourceSet()
    /// Every document of every file, as it is written.
    private(set) var documents: [YAMLDocument] = []
    /// The cluster with all overlays applied; nil if there is none.
    private(set) var root: Node?
    private(set) var diagnostics: [Diagnostic] = []
    /// Name and repaired text of files that are not UTF-8 or hold forbidden characters.
    private(set) var undecoded: [String: String] = [:]
    /// Files that are not YAML as a whole.
    private(set) var damaged: Set<Int32> = []
    /// In which the relative paths of the manifest start, absolute.
    let folder: String

    init(_ options: ManifestOptions) {
        folder = ManifestFiles.folder(of: options.paths.first)
        let read = read(ManifestFiles.read(options), prefix: "")
        if let chosen = choose(read) {
            root = resolved(chosen, overlays: [])
        } else if !diagnostics.hasErrors {
            let names = options.paths.map { $0 == "-" ? "the standard input" : "`\($0)`" }.joined(separator: ", ")
            report(
                .emptyManifest, "no `kind: Cluster` document in \(names.isEmpty ? "no files" : names)",
                at: sources.files.isEmpty ? nil : .start,
                help: "start with:\napiVersion: \(ManifestSchema.apiVersion)\nkind: Cluster")
        }
    }

    /// The texts by the names in the spans, secrets masked.
    var texts: [String: String] {
        let masks = SecretMask(documents.map(\.root) + (root.map { [$0] } ?? []))
        var texts = undecoded
        for file in sources.files { texts[file.name] = masks.masked(file, hasFaults: damaged.contains(file.index)) }
        return texts
    }

    mutating func report(
        _ code: DiagnosticCode, _ message: String, at place: Place?, notes: [Diagnostic.Note] = [], help: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(.error, code, message, at: place?.span(in: sources), notes: notes, help: help))
    }

    // MARK: - Reading

    private mutating func read(
        _ found: (files: ManifestFiles, diagnostics: [Diagnostic]), prefix: String
    ) -> [YAMLDocument] {
        diagnostics += found.diagnostics
        undecoded.merge(found.files.undecoded) { first, _ in first }
        var read: [YAMLDocument] = []
        for file in found.files.sources {
            var file = file
            file.prefix = prefix
            file = sources.add(file)
            let (documents, faults) = YAMLReader.read(file)
            read += documents
            diagnostics += faults
            if !faults.isEmpty { damaged.insert(file.index) }
        }
        documents += read
        return read
    }

    /// The one document that describes a cluster; what stands beside it is reported.
    private mutating func choose(_ documents: [YAMLDocument]) -> YAMLDocument? {
        var chosen: YAMLDocument?
        for document in documents {
            guard document.root.isMapping else {
                report(
                    .wrongType, "a manifest must be a mapping, found \(document.root.described)",
                    at: document.root.place,
                    help: "start with `apiVersion: \(ManifestSchema.apiVersion)`")
                continue
            }
            guard document.kind != .other else {
                if let kind = document.root[key: "kind"] {
                    report(
                        .unsupportedVersion, "kind \((kind.plainText ?? "").ticked) is not supported", at: kind.place,
                        help: "the kinds are `\(ManifestSchema.kind)` and `\(ManifestSchema.overlayKind)`")
                }
                continue
            }
            guard let first = chosen else {
                chosen = document
                continue
            }
            let mixed = first.kind != document.kind
            report(
                .severalClusters,
                mixed
                    ? "an overlay and a cluster in one run" : "a second `kind: \(document.kind.rawValue)` document",
                at: document.head, notes: [.init("the first one is here", at: first.head.span(in: sources))],
                help: mixed
                    ? "give only the overlay with `-f`: it names its base itself"
                    : "a run handles one cluster; give the other one a run of its own")
        }
        return chosen
    }

    // MARK: - Overlays

    /// The cluster a document stands for.
    /// - Parameter overlays: those that led to it, with the place of their base.
    private mutating func resolved(_ document: YAMLDocument, overlays: [(file: String, base: Place)]) -> Node? {
        let path = RelativePath.absolute(document.file.name)
        if let first = overlays.firstIndex(where: { $0.file == path }) {
            let names = overlays[first...].map { sources[$0.base].name } + [document.file.name]
            report(
                .circular, "overlays are each other's base: \(names.map { "`\($0)`" }.joined(separator: " needs "))",
                at: overlays[overlays.count - 1].base,
                notes: overlays[first...].dropLast().map { .init("this base led here", at: $0.base.span(in: sources)) },
                help: "let one of them name a `kind: \(ManifestSchema.kind)` document")
            return nil
        }
        guard document.kind == .overlay else { return document.root }
        var overlay = Overlay(document, sources: sources, folder: folder)
        diagnostics += overlay.check()
        guard let base = overlay.base else { return nil }
        let found = read(ManifestFiles.read(base.path, from: base.place.span(in: sources)), prefix: base.prefix)
        guard let chosen = choose(found) else {
            if !diagnostics.hasErrors {
                report(.emptyManifest, "there is no manifest in \(base.path.ticked)", at: base.place)
            }
            return nil
        }
        guard let root = resolved(chosen, overlays: overlays + [(path, base.place)]) else { return nil }
        let (merged, faults) = overlay.applied(to: root, sources: sources)
        diagnostics += faults
        return merged
    }
}

extension YAMLDocument {
    enum Kind: String {
        case cluster = "Cluster"
        case overlay = "Overlay"
        case other
    }

    /// A misspelt kind is the one it is near to, and is refused later, with the other faults.
    var kind: Kind {
        guard case .scalar(let scalar)? = root[key: "kind"]?.content, scalar.resolved == .string,
            !Expressions.occur(in: scalar.text)
        else { return .cluster }
        let kinds = [ManifestSchema.kind, ManifestSchema.overlayKind]
        return Suggestion.didYouMean(scalar.text, among: kinds).flatMap(Kind.init) ?? .other
    }

    /// Where to show what the document is.
    var head: Place { root[key: "kind"]?.place ?? root.entries.first?.keyPlace ?? root.place }
}

extension Place {
    static let start = Place(line: 1, column: 1, endLine: 1, endColumn: 1)
}
