import Foundation

/// The fields of `/proc/PID/stat` that tell a process from a later one with the same id (proc_pid_stat(5)).
///
/// What counts as alive is the caller's rule: a zombie is over for some, and still holds files for others.
public struct ProcessStat: Sendable, Hashable {
    /// Field 3, such as `S` or, for a zombie, `Z`.
    public var state: String
    /// Field 6: the process that leads its session.
    public var session: Int32
    /// Field 20.
    public var threads: Int
    /// Field 22: clock ticks from boot to its start.
    public var startTime: UInt64

    /// Nil if there is no process with this id.
    public init?(pid: Int) {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        self.init(text: String(decoding: data, as: UTF8.self))
    }

    /// Nil if the text is not the content of such a file.
    public init?(text: String) {
        // Field 2, the program's name in parentheses, may hold blanks and parentheses of its own.
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: name)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let session = Int32(fields[3]), let threads = Int(fields[17]),
            let startTime = UInt64(fields[19])
        else { return nil }
        (state, self.session, self.threads, self.startTime) = (String(fields[0]), session, threads, startTime)
    }
}
