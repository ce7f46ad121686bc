import OsirisModel

/// `bundle.json`: what a bundle holds and what every file of it must be. The signature is over its bytes.
struct BundleIndex: Sendable, Equatable {
    struct File: Sendable, Equatable {
        /// `sha256:` and 64 digits.
        var digest: String
        /// Bytes.
        var size: Int
        var isExecutable: Bool
    }

    static let format = 1
    static let name = "bundle.json"
    /// 64 bytes of Ed25519, in hexadecimal; the file is not there in a bundle that is not signed.
    static let signatureName = "bundle.sig"

    /// The release of the program that made it, and so of the hub it is for.
    var version: String
    var cluster: String
    /// Manifest files in their order, among `files`.
    var manifests: [String]
    /// By path in the bundle: relative, `/` between parts, no `.` or `..` part.
    var files: [String: File]

    var size: Int { files.values.reduce(0) { $0 + $1.size } }

    var bytes: [UInt8] {
        let value: Value = [
            "format": .int(Self.format), "version": .string(version), "cluster": .string(cluster),
            "manifests": .list(manifests.map(Value.string)),
            "files": .map(
                files.mapValues { file in
                    [
                        "sha256": .string(String(file.digest.dropFirst("sha256:".count))), "size": .int(file.size),
                        "executable": .bool(file.isExecutable),
                    ]
                }),
        ]
        return Array((value.prettyJSONText + "\n").utf8)
    }

    init(version: String, cluster: String, manifests: [String], files: [String: File]) {
        (self.version, self.cluster, self.manifests, self.files) = (version, cluster, manifests, files)
    }

    /// Nil if it is no such index, is of a later format, or names a file outside of the bundle.
    init?(_ bytes: [UInt8]) {
        guard let fields = (try? Value(plainJSON: bytes))?.mapValue, fields["format"]?.intValue == Self.format,
            let version = fields["version"]?.stringValue, let cluster = fields["cluster"]?.stringValue,
            let manifests = fields["manifests"]?.listValue?.compactMap(\.stringValue), !manifests.isEmpty,
            let entries = fields["files"]?.mapValue
        else { return nil }
        var files: [String: File] = [:]
        for (path, entry) in entries {
            guard Self.isInside(path), let entry = entry.mapValue, let sha256 = entry["sha256"]?.stringValue,
                let size = entry["size"]?.intValue, let isExecutable = entry["executable"]?.boolValue
            else { return nil }
            files[path] = File(digest: "sha256:" + sha256, size: size, isExecutable: isExecutable)
        }
        guard manifests.allSatisfy({ files[$0] != nil }) else { return nil }
        self.init(version: version, cluster: cluster, manifests: manifests, files: files)
    }

    /// A path that stays below where it starts, and is none of the bundle's own or of osiris's data.
    static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && parts[0] != ".osiris"
            && path != name && path != signatureName && !path.contains("\n") && !path.contains("\\")
    }
}
