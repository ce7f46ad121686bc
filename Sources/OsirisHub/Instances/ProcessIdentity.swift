import Foundation
import OsirisModel

/// A process that can be told from a later one with the same id.
public struct ProcessIdentity: Codable, Sendable, Hashable {
    public var pid: Int32
    /// Clock ticks from boot to its start: field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
    public var startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// Looks a process up; nil if there is none with this id.
    public init?(pid: Int32) {
        guard let stat = ProcessStat(pid: Int(pid)) else { return nil }
        self.init(pid: pid, startTime: stat.startTime)
    }

    /// This process.
    public static var current: ProcessIdentity {
        ProcessIdentity(pid: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
    }

    /// True while exactly this process exists and is not a zombie.
    public var isAlive: Bool {
        guard let stat = ProcessStat(pid: Int(pid)) else { return false }
        return stat.startTime == startTime && stat.state != "Z"
    }

    /// Kills its group and what else is left of its session, also when it has ended itself.
    ///
    /// The kernel gives its id to nobody else while its session has a member, so when the id is free, or is still
    /// this process, a session of that number is the one this process led. Only for a leader of a session, and only
    /// within one boot.
    /// - Returns: how many processes were killed.
    func killSession() -> Int { signalSession(SIGKILL, sparing: []) }

    /// Resident memory of its session, bytes; what processes share counts for each of them. Blocks.
    func sessionMemory() -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap({ Int($0) }).filter { ProcessStat(pid: $0)?.session == pid }.reduce(0) { sum, member in
            let text = FileManager.default.contents(atPath: "/proc/\(member)/statm") ?? Data()
            // The second field, in pages (proc_pid_statm(5)).
            let pages = String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap {
                Int($0)
            }
            return sum + (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
    }

    /// Sends a signal to what there is of its session, as `killSession` does.
    /// - Returns: how many processes got it.
    func signalSession(_ number: Int32, sparing spared: Set<Int32>) -> Int {
        if let now = ProcessIdentity(pid: pid), now != self { return 0 }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var reached = 0
        for member in names.compactMap({ Int32($0) }) {
            guard !spared.contains(member), let stat = ProcessStat(pid: Int(member)), stat.session == pid,
                stat.state != "Z",
                stat.startTime >= startTime
            else { continue }
            if kill(member, number) == 0 { reached += 1 }
        }
        return reached
    }
}
