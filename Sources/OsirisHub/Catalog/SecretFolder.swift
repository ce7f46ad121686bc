import Foundation

/// The secrets that one instance gets as files: a folder of its own, which nobody else may read and which ends with it.
struct SecretFolder: Sendable {
    /// Absolute path.
    let path: String
    /// The clear values, for the redaction of what the instance says.
    let values: [String]
    private let data: DataFolder

    /// Lays the files down, each with mode 0400. Blocks; use `BlockingWork`.
    /// - Parameters:
    ///   - files: clear values by name; nil is made of none.
    ///   - owner: user and group id of the instance; nil for the hub's own.
    /// - Throws: what the disk says.
    init?(_ files: [String: String], in data: DataFolder, owner: UInt32?) throws {
        guard !files.isEmpty else { return nil }
        self.data = data
        values = Array(files.values)
        path = "\(data.handedOut)/\(UUID().uuidString.lowercased())"
        // Others may pass through it to a folder that they know, and list nothing.
        try data.create(data.handedOut, mode: 0o711)
        try data.create(path, mode: 0o700)
        do {
            for (name, text) in files {
                try Self.write(text, to: "\(path)/\(name)")
                if let owner { try Self.give("\(path)/\(name)", to: owner) }
            }
            if let owner { try Self.give(path, to: owner) }
            guard chmod(path, 0o500) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
        } catch {
            data.remove(path)
            throw error
        }
    }

    /// Removes it, once the instance has ended; also for a caller that is cancelled, as one that stops an instance is.
    func remove() async {
        let (data, path) = (data, path)
        let removal = Task {
            try await BlockingWork.run {
                // Its mode forbids its owner, who may be the hub's user, to take files out.
                chmod(path, 0o700)
                data.remove(path)
            }
        }
        _ = try? await removal.value
    }

    /// Removes what instances of an earlier hub had. Blocks; use `BlockingWork`.
    static func sweep(_ data: DataFolder) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: data.handedOut)) ?? [] {
            chmod("\(data.handedOut)/\(name)", 0o700)
        }
        data.remove(data.handedOut)
    }

    /// Not flushed: it is made again for each instance.
    private static func write(_ text: String, to file: String) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o400)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(text.utf8))
    }

    private static func give(_ path: String, to owner: UInt32) throws {
        guard chown(path, owner, owner) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
    }
}
