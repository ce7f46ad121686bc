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
        for file in ManifestFiles.read(options).files.sources {
            let (documents, faults) = YAMLReader.read(file)
            for document in documents {
                guard case .scalar(let scalar)? = document.root[key: "spec"]?[key: "state"]?.content,
                    scalar.resolved == .string, !Expressions.occur(in: scalar.text), !scalar.text.isEmpty
                else { continue }
                return (scalar.text, ManifestFiles.folder(of: paths.first))
            }
            let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
            if faults.hasErrors, lines.contains(where: { $0.drop { $0 == " " }.hasPrefix("state:") }) {
                throw DiagnosticsError(faults)
            }
        }
        return nil
    }
}
