import Foundation
import OsirisModel

/// A program that a test starts; it ends with the value.
///
/// Not by Foundation's `Process`: that learns of the end of a child by a descriptor the child inherits. Servers such as sshd
/// close it, are then waited for as long as they run, and nobody learns of the end of any other child.
final class ChildProcess: Sendable {
    let pid: pid_t

    init(_ launch: Launch) throws { pid = try launch.start() }

    var isRunning: Bool {
        var end = siginfo_t()
        // Its end is left to be waited for, so that its number stays its own.
        return waitid(P_PID, id_t(pid), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_signo == 0
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}
