import OsirisDiagnostics

/// A file of `--var-file`: a YAML mapping from names of variables to values, which stand there as data, without expressions.
struct VariableFile {
    var entries: [Node.Entry] = []

    /// Reads all files of a run.
    static func read(_ names: [String], into sources: inout SourceSet) -> (
        files: [VariableFile], diagnostics: [Diagnostic]
    ) {
        var (files, diagnostics): ([VariableFile], [Diagnostic]) = ([], [])
        for name in names {
            do {
                let file = sources.add(try SourceFile(name: name, bytes: FileProbe.bytes(of: name)))
                let (documents, faults) = YAMLReader.read(file)
                diagnostics += faults
                for document in documents {
                    if document.root.isMapping {
                        files.append(VariableFile(entries: document.root.entries))
                    } else {
                        diagnostics.append(
                            Diagnostic(
                                .error, .wrongType,
                                "a file of variables must be a mapping, found \(document.root.described)",
                                at: document.root.place.span(in: name), help: "write `NAME: VALUE` lines"))
                    }
                }
            } catch let fault as Diagnostic {
                diagnostics.append(fault)
            } catch {
                let reason = (error as? FileProbe.Reason).map { ": \($0.text)" } ?? ""
                diagnostics.append(
                    Diagnostic(
                        .error, .fileUnreadable, "`--var-file`: cannot read `\(name)`\(reason)",
                        help: FileProbe(folder: ".").nearest(to: name, .file).map { "did you mean `\($0)`?" }
                            ?? "the path starts at the current folder"))
            }
        }
        return (files, diagnostics)
    }
}

extension Node {
    /// The same tree with every `${` taken as text.
    var literal: Node {
        switch content {
        case .scalar(var scalar) where Expressions.occur(in: scalar.text):
            // What is quoted in YAML is a string; an escape in front of `${` changes nothing else.
            scalar.text = scalar.text.replacing("${", with: "$${")
            return with(.scalar(scalar))
        case .scalar, .invalid: return self
        case .sequence(let items): return with(.sequence(items.map(\.literal)))
        case .mapping(let entries):
            return with(
                .mapping(entries.map { Entry(key: $0.key, keyPlace: $0.keyPlace, value: $0.value.literal) }))
        }
    }
}
