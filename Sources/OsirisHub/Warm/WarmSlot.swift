import Foundation

/// The folder of an interpreter that has no function yet: empty, and filled when it gets one. Blocks; use `BlockingWork`.
struct WarmSlot: Sendable {
    /// Most files and folders that are brought in while a call waits.
    static let mostFiles = 500

    /// Absolute path.
    let path: String
    private let data: DataFolder

    /// - Throws: what the disk says.
    init(in data: DataFolder) throws {
        self.data = data
        path = "\(data.warmSlots)/\(UUID().uuidString.lowercased())"
        // Others may pass through it to a folder that they know, and list nothing.
        try data.create(data.warmSlots, mode: 0o711)
        try data.create(path)
    }

    /// Brings in the files of a version, as further names of what is stored.
    /// - Throws: `StartFailure`.
    func fill(from folder: String) throws {
        for entry in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() {
            let (from, to) = ("\(folder)/\(entry)", "\(path)/\(entry)")
            var status = stat()
            guard lstat(from, &status) == 0 else { throw StartFailure("\(from): \(String(cString: strerror(errno)))") }
            let done = status.st_mode & S_IFMT == S_IFDIR ? mkdir(to, 0o755) : link(from, to)
            guard done == 0 else { throw StartFailure("\(to): \(String(cString: strerror(errno)))") }
        }
    }

    /// True if a version's files are so few that bringing them in takes less time than an interpreter's start.
    static func fits(_ folder: String) -> Bool {
        let files = FileManager.default.enumerator(atPath: folder)?.makeIterator()
        for _ in 0...mostFiles where files?.next() == nil { return true }
        return false
    }

    /// Removes it, once its instance has ended; also for a caller that is cancelled.
    func remove() async {
        let (data, path) = (data, path)
        _ = try? await Task { try await BlockingWork.run { data.remove(path) } }.value
    }

    /// Removes what an earlier hub left.
    static func sweep(_ data: DataFolder) { data.remove(data.warmSlots) }
}
