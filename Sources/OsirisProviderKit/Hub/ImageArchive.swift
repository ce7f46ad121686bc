import Foundation
import OsirisManifest
import OsirisModel

/// An archive with one image, as `podman save` and `docker save` write it.
public struct ImageArchive: Sendable {
    /// Absolute.
    public let path: String

    public init(path: String) { self.path = path }

    /// The archive a manifest names; nil if it names none.
    public init?(of cluster: Cluster) {
        guard let archive = cluster.hub.archive else { return nil }
        path = archive.hasPrefix("/") ? archive : "\(cluster.folder)/\(archive)"
    }

    /// The identity of the image, `sha256:` and 64 digits: what podman and docker name it by on every machine.
    ///
    /// It is the digest of the image's configuration, which names all its layers, so it is found without reading those:
    /// in `manifest.json` (https://github.com/moby/docker-image-spec), or through `index.json`
    /// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
    /// - Throws: `ImageArchiveError` if it is no such archive.
    public func identity() throws -> String {
        let handle = try open()
        defer { try? handle.close() }
        let tar = try TarIndex(handle, path: path)
        let found: String?
        if let manifest = try tar.json("manifest.json") {
            found = try docker(manifest)
        } else if let index = try tar.json("index.json") {
            found = try layout(index, tar)
        } else {
            throw ImageArchiveError("\(path) holds no image: it has neither manifest.json nor index.json")
        }
        guard let found, Self.isIdentity(found) else { throw ImageArchiveError("\(path) does not name its image") }
        return found
    }

    /// What processor the image is for, as its configuration has it: `amd64`, `arm64`; nil where it does not say.
    /// - Throws: `ImageArchiveError`.
    public func architecture() throws -> String? {
        let hex = try identity().dropFirst(7)
        let handle = try open()
        defer { try? handle.close() }
        let tar = try TarIndex(handle, path: path)
        let config = try tar.json("blobs/sha256/\(hex)") ?? tar.json("\(hex).json")
        return config?.mapValue?["architecture"]?.stringValue
    }

    private func open() throws -> FileHandle {
        do {
            return try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw ImageArchiveError("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// What `uname -m` says on these processors.
    public static let machines = ["amd64": "x86_64", "arm64": "aarch64"]

    public static func isIdentity(_ text: String) -> Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.utf8.dropFirst(7).allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private func docker(_ manifest: Value) throws -> String? {
        let images = manifest.listValue ?? []
        guard images.count == 1 else { throw ImageArchiveError("\(path) holds \(images.count) images, not one") }
        // "HEX.json" or "blobs/sha256/HEX"
        let file = images[0].mapValue?["Config"]?.stringValue?.split(separator: "/").last ?? ""
        return "sha256:" + file.prefix { $0 != "." }
    }

    private func layout(_ index: Value, _ tar: TarIndex) throws -> String? {
        let manifests = index.mapValue?["manifests"]?.listValue ?? []
        guard manifests.count == 1 else { throw ImageArchiveError("\(path) holds \(manifests.count) images, not one") }
        guard let digest = manifests[0].mapValue?["digest"]?.stringValue, Self.isIdentity(digest) else { return nil }
        let manifest = try tar.json("blobs/sha256/" + digest.dropFirst(7))
        return manifest?.mapValue?["config"]?.mapValue?["digest"]?.stringValue
    }
}

/// Where the files of an uncompressed tar archive are; only headers are read.
private struct TarIndex {
    private let handle: FileHandle
    private let path: String
    private var files: [String: (offset: UInt64, size: UInt64)] = [:]

    init(_ handle: FileHandle, path: String) throws {
        self.handle = handle
        self.path = path
        var offset: UInt64 = 0
        while let header = try handle.read(upToCount: 512), header.count == 512, header[0] != 0 {
            let fields = Array(header)
            guard fields[257..<262].elementsEqual("ustar".utf8), let size = Self.number(fields[124..<136]) else {
                throw ImageArchiveError("\(path) is not a tar archive; a compressed one must be uncompressed first")
            }
            let name = String(decoding: fields[..<100].prefix { $0 != 0 }, as: UTF8.self)
            files[name.hasPrefix("./") ? String(name.dropFirst(2)) : name] = (offset + 512, size)
            offset += 512 + (size + 511) / 512 * 512
            try handle.seek(toOffset: offset)
        }
    }

    /// Octal digits; nil for anything else, such as the binary form of sizes above 8 GiB.
    private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: field.prefix { $0 != 0 && $0 != 32 }, as: UTF8.self), radix: 8)
    }

    /// A file of the archive; nil if there is none.
    func json(_ name: String) throws -> Value? {
        guard let file = files[name] else { return nil }
        guard file.size < 1 << 20 else { throw ImageArchiveError("\(path): its \(name) is too large") }
        try handle.seek(toOffset: file.offset)
        guard let bytes = try handle.read(upToCount: Int(file.size)), let value = try? Value(plainJSON: Array(bytes))
        else { throw ImageArchiveError("\(path): its \(name) is damaged") }
        return value
    }
}

/// A file is no archive of one image; the reason in one sentence without a full stop.
public struct ImageArchiveError: Error, Sendable {
    public var message: String

    init(_ message: String) { self.message = message }
}
