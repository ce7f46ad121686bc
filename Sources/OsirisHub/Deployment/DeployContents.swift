import Foundation
import OsirisModel

/// The parts of a deployment request that go to its instances: environment, secrets and files.
extension DeployRequest {
    mutating func environment(_ value: Value?) -> [String: String] {
        let words = reader.words(value, at: "env")
        for (key, word) in words.sorted(by: { $0.key < $1.key }) { check(variable: key, word, at: "env.\(key)") }
        return words
    }

    mutating func secrets(
        _ value: Value?, env: [String: String]
    ) -> [String: (value: String, digest: String)] {
        var secrets: [String: (value: String, digest: String)] = [:]
        for (key, item) in reader.object(value, at: "secrets").sorted(by: { $0.key < $1.key }) {
            let path = "secrets.\(key)"
            let secret = secret(item, at: path)
            check(variable: key, secret.value, at: path)
            // Such a variable goes over a command line, where secrets must not be.
            if Sandbox.isForLoader(key) { reader.fault("\(path) is read by the loader and cannot be a secret.") }
            if env[key] != nil { reader.fault("\(path) is in env as well.") }
            secrets[key] = secret
        }
        return secrets
    }

    mutating func secretFiles(_ value: Value?) -> [String: (value: String, digest: String)] {
        let items = reader.object(value, at: "secretFiles")
        if items.count > Self.mostSecretFiles {
            reader.fault("secretFiles has more than \(Self.mostSecretFiles) entries.")
        }
        var files: [String: (value: String, digest: String)] = [:]
        for (name, item) in items.sorted(by: { $0.key < $1.key }) {
            let path = "secretFiles.\(name)"
            if !Self.isFileName(name) {
                reader.fault("\(path) must be named with 1 to 100 letters, digits or -_. and not begin with a dot.")
            }
            let secret = secret(item, at: path)
            check(length: secret.value, at: path)
            files[name] = secret
        }
        return files
    }

    private mutating func secret(_ item: Value, at path: String) -> (value: String, digest: String) {
        let body = reader.object(item, at: path, keys: ["value", "digest"])
        let clear = reader.string(body["value"], at: "\(path).value")
        let digest = reader.string(body["digest"], at: "\(path).digest")
        if body["value"] == nil { reader.fault("\(path).value is missing.") }
        if body["digest"] == nil { reader.fault("\(path).digest is missing.") }
        return (clear ?? "", digest ?? "")
    }

    /// A name that can be a file on every host, and hides from no listing.
    static func isFileName(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }

    mutating func check(variable: String, _ value: String, at path: String) {
        if !Self.isIdentifier(Substring(variable)) {
            reader.fault("\(path) is not a name for an environment variable.")
        }
        if variable.hasPrefix("OSIRIS_") { reader.fault("\(path): names that begin with OSIRIS_ belong to the hub.") }
        check(length: value, at: path)
    }

    private mutating func check(length value: String, at path: String) {
        if value.utf8.count > 65_536 || value.utf8.contains(0) {
            reader.fault("\(path) must be at most 65536 bytes with no NUL character.")
        }
    }

    mutating func source(_ value: Value?) -> SourceTree {
        let items = reader.list(value, at: "files")
        if items.count > Self.mostFiles { reader.fault("files has more than \(Self.mostFiles) entries.") }
        var files: [SourceTree.File] = []
        var seen: Set<String> = []
        for (index, item) in items.prefix(Self.mostFiles).enumerated() {
            let body = reader.object(item, at: "files[\(index)]", keys: ["path", "executable", "base64"])
            let path = reader.string(body["path"], at: "files[\(index)].path") ?? ""
            if !Self.isRelative(path) {
                reader.fault("files[\(index)].path must be relative, with no empty, . or .. part.")
            }
            if !seen.insert(path).inserted { reader.fault("files[\(index)].path is there twice: \(path).") }
            let bytes = reader.string(body["base64"], at: "files[\(index)].base64").flatMap { Data(base64Encoded: $0) }
            if bytes == nil { reader.fault("files[\(index)].base64 must be base64.") }
            let executable = reader.bool(body["executable"], at: "files[\(index)].executable") ?? false
            files.append(.init(path: path, executable: executable, bytes: Array(bytes ?? Data())))
        }
        for path in seen.sorted() {
            var parent = path[...]
            while let slash = parent.lastIndex(of: "/") {
                parent = parent[..<slash]
                if seen.contains(String(parent)) { reader.fault("files: \(parent) is both a file and a folder.") }
            }
        }
        let tree = SourceTree(files: files)
        if tree.byteCount > Self.mostSourceBytes { reader.fault("files hold more than \(Self.mostSourceBytes) bytes.") }
        return tree
    }

    static func isRelative(_ path: String) -> Bool {
        guard (1...1024).contains(path.utf8.count), !path.utf8.contains(0) else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255
        }
    }
}
