import Foundation
import OsirisDiagnostics
import OsirisModel

/// The folder that bundles are unpacked into, one after the other: manifest and files are a bundle's, and `.osiris` with the
/// state is the folder's own. All calls block.
struct BundleSite {
    /// Absolute.
    let folder: String

    private var data: String { folder + "/.osiris" }
    /// The index of the bundle whose files are here.
    private var note: String { "\(data)/\(BundleIndex.name)" }

    /// Verifies all of a bundle, then puts its files in the place of those of the bundle before. Killed in between, the next
    /// run ends it.
    /// - Throws: a `Diagnostic`; nothing has changed if the bundle is not whole, or a file is in the way that came from none.
    func take(_ archive: BundleArchive, _ trust: BundleArchive.Trust) throws -> BundleIndex {
        let index = try archive.index(trust)
        guard index.version == OsirisVersion.current else {
            throw BundleArchive.fault(
                "\(archive.path) was made by osiris \(index.version), and holds its hub; this is \(OsirisVersion.current)",
                help: "use osiris \(index.version), or make the bundle anew")
        }
        let scratch = try BundleArchive.scratch(in: data)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try archive.unpack(index, to: scratch)
        let before = FileManager.default.contents(atPath: note).flatMap { BundleIndex(Array($0)) }
        let old = before?.files ?? [:]
        let inTheWay = index.files.keys.filter { old[$0] == nil && isThere($0) }.sorted()
        if let first = inTheWay.first {
            throw BundleArchive.fault(
                "\(folder)/\(first) is there and came from no bundle",
                help: "unpack into another folder with --into, or move it away")
        }
        do {
            // First the note of both: whatever is put here from now on is known as a bundle's.
            var both = index
            both.files.merge(old) { $1 }
            try write(both)
            for (path, file) in index.files { try put(path, file, from: scratch) }
            for path in old.keys where index.files[path] == nil { remove(path) }
            try write(index)
        } catch let error as CocoaError {
            throw BundleArchive.fault("\(folder) cannot be written: \(error.localizedDescription)")
        }
        return index
    }

    private func isThere(_ path: String) -> Bool { (try? attributes("\(folder)/\(path)")) != nil }

    private func attributes(_ path: String) throws -> [FileAttributeKey: Any] {
        try FileManager.default.attributesOfItem(atPath: path)
    }

    private func put(_ path: String, _ file: BundleIndex.File, from scratch: String) throws {
        let (source, place) = ("\(scratch)/files/\(path)", "\(folder)/\(path)")
        try FileManager.default.setAttributes(
            [.posixPermissions: file.isExecutable ? 0o755 : 0o644], ofItemAtPath: source)
        try FileManager.default.createDirectory(
            atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        guard rename(source, place) == 0 else {
            throw BundleArchive.fault("\(place) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// With the folders that are empty then.
    private func remove(_ path: String) {
        var path = path
        unlink("\(folder)/\(path)")
        while let slash = path.lastIndex(of: "/") {
            path = String(path[..<slash])
            guard rmdir("\(folder)/\(path)") == 0 else { return }
        }
    }

    private func write(_ index: BundleIndex) throws {
        try Data(index.bytes).write(to: URL(fileURLWithPath: note), options: .atomic)
    }
}
