import Foundation
import OsirisModel

/// Read-only questions to the file system; relative paths start at the manifest's folder.
struct FileProbe: Sendable {
    /// Why a file cannot be read.
    struct Reason: Error { var text: String }

    let folder: String

    func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: folder + "/" + path).standardizedFileURL.path
    }

    /// What is at a path; nil for nothing.
    func kind(of path: String) -> FieldType.PathKind? {
        var isFolder: ObjCBool = false
        guard !path.unicodeScalars.contains("\0"),
            FileManager.default.fileExists(atPath: absolute(path), isDirectory: &isFolder)
        else { return nil }
        return isFolder.boolValue ? .folder : .file
    }

    /// The names in a folder, sorted; empty if it cannot be read.
    func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: absolute(path))) ?? []).sorted()
    }

    /// A path beside a missing one whose last part is spelt nearly the same.
    func nearest(to path: String, _ kind: FieldType.PathKind) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let parent = parts.dropLast().joined(separator: "/")
        let prefix = parts.count > 1 ? parent + "/" : ""
        let names = names(in: prefix.isEmpty ? "." : prefix).filter { self.kind(of: prefix + $0) == kind }
        return Suggestion.didYouMean(String(parts.last ?? ""), among: names).map { prefix + $0 }
    }

    /// A file's text without its last line feed; nil if there is no such file.
    func text(of path: String) -> Result<String?, Reason> {
        switch kind(of: path) {
        case nil: return .success(nil)
        case .folder: return .failure(Reason(text: "it is a folder"))
        default: break
        }
        do {
            let bytes = try Self.bytes(of: absolute(path))
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .failure(Reason(text: "it is not UTF-8 text"))
            }
            if text.hasSuffix("\r\n") || text.hasSuffix("\n") { return .success(String(text.dropLast())) }
            return .success(text)
        } catch {
            return .failure(error)
        }
    }

    /// A whole file, pipes included.
    static func bytes(of path: String, limit: Int = 64 << 20) throws(Reason) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Reason(text: String(cString: strerror(errno))) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
            if bytes.count > limit { throw Reason(text: "it is larger than \(Quantities.format(bytes: limit))") }
        }
        if ferror(file) != 0 { throw Reason(text: String(cString: strerror(errno))) }
        return bytes
    }
}
