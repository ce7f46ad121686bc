import Foundation

/// A program that this process has written and somebody is about to start.
public enum ProgramFile {
    /// Blocks until no process has it open for writing, for a second at most.
    ///
    /// The kernel starts no file that is (execve(2), `ETXTBSY`), and the writer's own `close` is not enough: a process that
    /// another thread starts meanwhile has all that this one has open, between its fork and its exec. A read lease is given
    /// only once nobody writes (fcntl(2), `F_SETLEASE`); where a file system has none, this returns at once.
    public static func awaitClosed(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        for _ in 0..<1_000 where fcntl(descriptor, setLease, CInt(F_RDLCK)) != 0 {
            guard errno == EAGAIN else { return }
            usleep(1_000)
        }
    }

    /// `F_SETLEASE` of linux/fcntl.h, which the C library's header hides from Swift. A lease goes with its descriptor.
    private static let setLease: CInt = 1_024
}
