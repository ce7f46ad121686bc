import Foundation
import OsirisModel

/// A process, told from later ones with the same number by when it started.
struct ProcessIdentity: Sendable, Equatable {
    var pid: Int32
    /// Clock ticks after boot: field 22 of `/proc/PID/stat`.
    var startTime: UInt64

    init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// Nil if no such process runs.
    init?(pid: Int32) {
        guard let stat = ProcessStat(pid: Int(pid)) else { return nil }
        // While other threads of a process are still ending, its first one is a zombie already, and its files are open.
        if (stat.state == "Z" && stat.threads < 2) || stat.state == "X" { return nil }
        self.init(pid: pid, startTime: stat.startTime)
    }

    /// The process a hub says it is in its `hub.pid`; nil if it says nothing.
    init?(note: [UInt8]) {
        guard let fields = (try? Value(plainJSON: note))?.mapValue, let pid = fields["pid"]?.intValue,
            let startTime = fields["startTime"]?.intValue, pid > 1, startTime >= 0
        else { return nil }
        self.init(pid: Int32(clamping: pid), startTime: UInt64(startTime))
    }

    /// False for one that ended, also if its parent did not look yet.
    var isAlive: Bool {
        // If it is a child of ours that ended, this is when it leaves the process table.
        var status: CInt = 0
        waitpid(pid, &status, WNOHANG)
        return ProcessIdentity(pid: pid) == self
    }

    /// The process whose arguments end in `arguments`.
    static func running(withArguments arguments: [String]) -> ProcessIdentity? {
        var tail: [UInt8] = []
        for argument in arguments { tail += Array(argument.utf8) + [0] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for name in names {
            guard let pid = Int32(name), pid != getpid(),
                let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
                line.count > tail.count, line.suffix(tail.count).elementsEqual(tail)
            else { continue }
            if let process = ProcessIdentity(pid: pid), process.isAlive { return process }
        }
        return nil
    }
}
