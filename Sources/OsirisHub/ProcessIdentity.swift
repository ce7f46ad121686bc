import Foundation

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
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
            let startTime = Self.startTime(stat: String(decoding: data, as: UTF8.self))
        else { return nil }
        self.init(pid: pid, startTime: startTime)
    }

    /// This process.
    public static var current: ProcessIdentity {
        ProcessIdentity(pid: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
    }

    /// True while exactly this process exists and is not a zombie.
    public var isAlive: Bool {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return false }
        let stat = String(decoding: data, as: UTF8.self)
        return Self.startTime(stat: stat) == startTime && Self.fields(stat: stat).first != "Z"
    }

    /// Kills its group and what else is left of its session, also when it has ended itself.
    ///
    /// The kernel gives its id to nobody else while its session has a member, so when the id is free, or is still
    /// this process, a session of that number is the one this process led. Only for a leader of a session, and only
    /// within one boot.
    /// - Returns: how many processes were killed.
    func killSession() -> Int {
        if let now = ProcessIdentity(pid: pid), now != self { return 0 }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var killed = 0
        for member in names.compactMap({ Int32($0) }) {
            guard let data = FileManager.default.contents(atPath: "/proc/\(member)/stat") else { continue }
            let stat = String(decoding: data, as: UTF8.self)
            let fields = Self.fields(stat: stat)
            // Field 6 is the session.
            guard fields.count > 19, fields[3] == "\(pid)", fields[0] != "Z", (UInt64(fields[19]) ?? 0) >= startTime
            else { continue }
            if kill(member, SIGKILL) == 0 { killed += 1 }
        }
        return killed
    }

    static func startTime(stat: String) -> UInt64? {
        let fields = fields(stat: stat)
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// The fields from the third on: the second is the program's name, which may contain blanks and parentheses.
    private static func fields(stat: String) -> [Substring] {
        guard let end = stat.lastIndex(of: ")") else { return [] }
        return stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
    }
}
