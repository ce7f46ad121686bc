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
