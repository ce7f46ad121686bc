import Foundation
import OsirisDiagnostics

/// Finds out whether the locks of the file system under a state can be trusted, before the first write.
///
/// SQLite keeps its write-ahead log in shared memory and its transactions apart by locks: over a network neither holds
/// (https://www.sqlite.org/wal.html, "All processes using a database must be on the same host computer").
enum LockingFilesystem {
    /// - Throws: OSR0414.
    static func check(_ path: String) throws(DiagnosticsError) {
        let real = realpath(path, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
        }
        if let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8),
            let type = type(of: real ?? path, mountinfo: mounts), isNetwork(type)
        {
            throw Fault.filesystem(path, "a network file system (\(type))")
        }
        if forgetsLocks(path) { throw Fault.filesystem(path, "a file system that forgets locks") }
    }

    /// The type of the file system that holds a file, from the lines of proc_pid_mountinfo(5).
    static func type(of path: String, mountinfo: String) -> String? {
        var best: (point: String, type: String)?
        for line in mountinfo.split(separator: "\n") {
            // …, mount point as field 5, optional fields, a hyphen, type.
            let fields = line.split(separator: " ")
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: "-"), hyphen + 1 < fields.count else {
                continue
            }
            let point = unescaped(fields[4])
            let holds = point == "/" || path == point || path.hasPrefix(point + "/")
            // A later mount on the same point hides the earlier one.
            if holds, point.utf8.count >= best?.point.utf8.count ?? 0 { best = (point, String(fields[hyphen + 1])) }
        }
        return best?.type
    }

    /// `\040` is a space, and so on.
    private static func unescaped(_ field: Substring) -> String {
        let codes = ["\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"]
        return codes.reduce(String(field)) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
    }

    static func isNetwork(_ type: String) -> Bool {
        let network: Set = [
            "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs", "beegfs",
            "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.glusterfs", "fuse.mount-s3", "davfs",
        ]
        return network.contains(type)
    }

    /// Locks the file twice, through two descriptors. The second try must be refused.
    ///
    /// Open file description locks belong to a descriptor, not to the process, so one process can ask (fcntl(2)); a file
    /// system that forgets SQLite's locks forgets these as well. Of a file that cannot be opened nothing is said here.
    private static func forgetsLocks(_ path: String) -> Bool {
        let descriptors = [0, 1].map { _ in open(path + "-locks", O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        defer { for descriptor in descriptors where descriptor >= 0 { close(descriptor) } }
        defer { unlink(path + "-locks") }
        guard descriptors.allSatisfy({ $0 >= 0 }) else { return false }
        let granted = descriptors.map { descriptor in
            var lock = flock()
            lock.l_type = Int16(F_WRLCK)
            lock.l_whence = Int16(SEEK_SET)
            return fcntl(descriptor, setLock, &lock) == 0
        }
        // Where the first was refused, another process asks at this moment.
        return granted[0] && granted[1]
    }

    /// F_OFD_SETLK of <fcntl.h>, which Swift does not see.
    private static let setLock: Int32 = 37
}
