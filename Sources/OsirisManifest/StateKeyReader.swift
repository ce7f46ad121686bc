import OsirisDiagnostics

extension ManifestLoader {
    /// What `spec.state` says, and the folder in which a relative path begins; nil if it is not written.
    ///
    /// Read before everything else, and whatever else is wrong with the manifest: the state's identity salts the digests
    /// of secrets, and what is recorded can be looked at without a good manifest.
    /// - Throws: `DiagnosticsError` if a file that seems to say it is no YAML, so that no other state is taken for it.
    public static func state(
        paths: [String], standardInput: @escaping @Sendable () throws -> [UInt8]
    ) throws(DiagnosticsError) -> (place: String, folder: String)? {
        let options = ManifestOptions(paths: paths, standardInput: standardInput, kinds: [], secretDigest: { $0 })
        let tree = ManifestTree(options)
        for root in tree.root.map({ [$0] }) ?? tree.documents.map(\.root) {
            guard case .scalar(let scalar)? = root[key: "spec"]?[key: "state"]?.content,
                scalar.resolved == .string, !Expressions.occur(in: scalar.text), !scalar.text.isEmpty
            else { continue }
            return (scalar.text, tree.folder)
        }
        for file in tree.sources.files where tree.damaged.contains(file.index) {
            let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
            let faults = tree.diagnostics.filter { $0.span?.file == file.name }
            if faults.hasErrors, lines.contains(where: { $0.drop { $0 == " " }.hasPrefix("state:") }) {
                throw DiagnosticsError(faults)
            }
        }
        return nil
    }
}
