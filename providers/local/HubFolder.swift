import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The data folder of a local hub, and the files in it that are the provisioner's.
struct HubFolder: Sendable {
    /// Absolute.
    let path: String

    /// That of the hub which has this address: one that was renamed keeps the folder it runs in. For a hub that is not
    /// there yet, the folder of its target's name.
    init(_ address: ResourceAddress, of cluster: Cluster) {
        let own = HubFolder(path: "\(Self.parent(cluster))/\(address.target)")
        let isAt: (HubFolder) -> Bool = { folder in
            (try? folder.config()).flatMap(\.self).map {
                $0.address == address.text && $0.cluster == cluster.name
            } ?? false
        }
        if isAt(own) {
            self = own
        } else {
            self = ((try? Self.all(of: cluster)) ?? []).first(where: isAt) ?? own
        }
    }

    private init(path: String) { self.path = path }

    private static func parent(_ cluster: Cluster) -> String { cluster.folder + "/.osiris/hubs" }

    /// The data folders of all local hubs beside the manifest, by name, also of targets that left it.
    static func all(of cluster: Cluster) throws -> [HubFolder] {
        let parent = parent(cluster)
        do {
            // Beside them are the fences, `.fence-TARGET`.
            return try FileManager.default.contentsOfDirectory(atPath: parent).sorted().filter { !$0.hasPrefix(".") }
                .map { HubFolder(path: "\(parent)/\($0)") }
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return []
        } catch {
            throw HubFolderError("\(parent) cannot be listed: \(error.localizedDescription)")
        }
    }

    var log: String { path + "/hub.log" }

    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// True if a hub was never told anything here: no folder, or one that a kill left between making and filling it.
    var isUnused: Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.allSatisfy { $0.hasSuffix(".new") || $0 == HubCertificate.file }
    }

    /// What the hub was told; nil if it was told nothing yet.
    func config() throws -> HubConfiguration? {
        guard let bytes = try contents("hub.json") else { return nil }
        guard let value = try? Value(plainJSON: bytes), let config = HubConfiguration(value) else {
            throw HubFolderError("\(path)/hub.json is not the configuration of a hub")
        }
        return config
    }

    /// Nil if there is no such file.
    func contents(_ name: String) throws -> [UInt8]? {
        let file = path + "/" + name
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch {
            throw HubFolderError("\(file) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Makes the folder, closed to other users, and puts the configuration in it in one step.
    func write(_ config: HubConfiguration) throws {
        try create()
        try write(config.value.plainJSON(), to: "hub.json")
    }

    func create() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw HubFolderError("the data folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = path + "/" + name
        let beside = try Self.writeBeside(bytes, file)
        guard rename(beside, file) == 0 else { throw HubFolderError(errno: "\(file) cannot be written") }
    }

    /// Writes and flushes a file that is to take the place of `file`.
    /// - Returns: its path.
    static func writeBeside(_ bytes: [UInt8], _ file: String) throws -> String {
        let beside = file + ".new"
        unlink(beside)
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HubFolderError(errno: "\(beside) cannot be made") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
        } catch {
            throw HubFolderError("\(beside) cannot be written: \(error.localizedDescription)")
        }
        return beside
    }

    /// The image its hub runs from, noted so that it can be removed after the target left the manifest; nil for a process.
    func image() throws -> String? { try contents("image").map { String(decoding: $0, as: UTF8.self) } }

    func note(image: String?) throws {
        if let image { return try write(Array(image.utf8), to: "image") }
        guard unlink(path + "/image") == 0 || errno == ENOENT else {
            throw HubFolderError(errno: "\(path)/image cannot be removed")
        }
    }

    /// Removes the folder with everything in it, and the folders around it that are empty then.
    func remove() throws {
        if exists {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                throw HubFolderError("the data folder \(path) cannot be removed: \(error.localizedDescription)")
            }
        }
        let hubs = (path as NSString).deletingLastPathComponent
        // Fails where something else is inside, which is meant.
        if rmdir(hubs) == 0 { rmdir((hubs as NSString).deletingLastPathComponent) }
    }

    /// How long the log is.
    var logLength: Int {
        (try? FileManager.default.attributesOfItem(atPath: log)[.size] as? Int).flatMap { $0 } ?? 0
    }

    /// The last lines of the log after `offset`, on one line.
    func logTail(after offset: Int) -> String {
        guard let bytes = try? contents("hub.log") else { return "" }
        let lines = String(decoding: bytes.dropFirst(offset).suffix(4096), as: UTF8.self)
            .split(whereSeparator: \.isNewline).suffix(3)
        return lines.joined(separator: " | ").filter { !$0.unicodeScalars.contains { $0.value < 32 } }
    }
}

/// A file of a local hub cannot be used; the reason in one sentence without a full stop.
struct HubFolderError: Error, Sendable {
    var message: String

    init(_ message: String) { self.message = message }
    init(errno what: String) { message = "\(what): \(String(cString: strerror(Foundation.errno)))" }
}
