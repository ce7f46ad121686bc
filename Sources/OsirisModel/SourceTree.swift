import Foundation

/// The files of a function's source folder, read whole: what is uploaded to a hub and what its digest covers.
public struct SourceTree: Sendable, Hashable {
    public struct File: Sendable, Hashable {
        /// Relative, `/` between parts, no `.` or `..` part.
        public var path: String
        public var executable: Bool
        public var bytes: [UInt8]

        public init(path: String, executable: Bool, bytes: [UInt8]) {
            self.path = path
            self.executable = executable
            self.bytes = bytes
        }
    }

    /// The folder directly in a function's source that holds its tests; it is no part of the function.
    public static let testsFolder = "tests"

    /// Sorted by path.
    public let files: [File]

    public init(files: [File]) { self.files = files.sorted { $0.path < $1.path } }

    /// Reads a folder. Leaves out `__pycache__`, names that start with a dot, and the function's tests in `tests`.
    /// - Throws: the file system's error, with the path in it; a symbolic link out of the folder is refused.
    public init(folder: String) throws {
        let root = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        var files: [File] = []
        var pending = [""]
        while let prefix = pending.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: root + "/" + prefix) {
                if name.hasPrefix(".") || name == "__pycache__" || (prefix.isEmpty && name == Self.testsFolder) {
                    continue
                }
                let relative = prefix.isEmpty ? name : prefix + "/" + name
                let path = root + "/" + relative
                guard URL(fileURLWithPath: path).resolvingSymlinksInPath().path.hasPrefix(root + "/") else {
                    throw CocoaError(
                        .fileReadInvalidFileName,
                        userInfo: [NSLocalizedDescriptionKey: "\(path) is a symbolic link out of \(folder)"])
                }
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { continue }
                if isFolder.boolValue {
                    pending.append(relative)
                } else {
                    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                    let executable = FileManager.default.isExecutableFile(atPath: path)
                    files.append(File(path: relative, executable: executable, bytes: Array(bytes)))
                }
            }
        }
        self.init(files: files)
    }

    /// Digest over every path, mode bit and content; each part is preceded by its length, so no two trees collide.
    public var digest: String {
        var bytes: [UInt8] = []
        func append(_ part: [UInt8]) {
            bytes.append(contentsOf: "\(part.count):".utf8)
            bytes.append(contentsOf: part)
        }
        for file in files {
            append(Array(file.path.utf8))
            append([file.executable ? 1 : 0])
            append(Digest.sha256Bytes(file.bytes))
        }
        return Digest.sha256(bytes)
    }

    public var byteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }
}
