import Foundation
import OsirisModel

/// Who holds the lock of a state, or held it last.
public struct LockHolder: Sendable, Hashable, CustomStringConvertible {
    /// Fencing token: grows with every holder, so a former one can be told from the present one.
    public var id: Int
    public var user: String
    public var host: String
    public var pid: Int
    public var operation: String
    public var since: Date
    /// Last sign of life.
    public var renewedAt: Date
    /// Start of the process, so that a recycled pid is not mistaken for the holder.
    var process: String?

    /// `ada on host-1 (pid 42, apply, since 2026-01-02T03:04:05Z, lock 7)`.
    public var description: String {
        let start = since.formatted(.iso8601)
        return "\(user) on \(host) (pid \(pid), \(operation), since \(start), lock \(id))"
    }
}

/// Decides whether a lock may be taken. Pure, so that it is tested without processes and clocks.
enum LockRule {
    /// A holder that was not heard of for this long has lost its lock.
    static let leaseSeconds = 30
    /// A holder renews three times within a lease.
    static let renewalSeconds = 10

    /// - Parameter startOfProcess: start mark of the process with a pid on this host; nil if there is none.
    static func mayTake(
        from holder: LockHolder?, host: String, now: Date, startOfProcess: (Int) -> String?
    ) -> Bool {
        guard let holder else { return true }
        if now.timeIntervalSince(holder.renewedAt) > Double(leaseSeconds) { return true }
        guard holder.host == host else { return false }
        guard let start = startOfProcess(holder.pid) else { return true }
        // Without a start mark of the holder, a live pid counts as the holder.
        return holder.process != nil && start != holder.process
    }

    /// True if the holder was a process of this machine that has ended. Many machines share the place, and two of them
    /// may have one name: only the boot id in the start mark tells that it was this one.
    static func isGone(
        _ holder: LockHolder, machineOf other: LockHolder, startOfProcess: (Int) -> String?
    ) -> Bool {
        guard holder.host == other.host, let mark = holder.process, let boot = Self.boot(of: mark),
            let otherMark = other.process, boot == Self.boot(of: otherMark)
        else { return false }
        return startOfProcess(holder.pid) != mark
    }

    /// See `ProcessIdentity.startMark`.
    private static func boot(of mark: String) -> Substring? { mark.firstIndex(of: ":").map { mark[..<$0] } }
}

/// Names the person, the machine and the process that runs, for locks and history.
public struct ProcessIdentity: Sendable, Hashable {
    public var user: String
    public var host: String
    public var pid: Int
    var process: String?

    /// This process.
    public static var current: ProcessIdentity {
        let pid = Int(getpid())
        return ProcessIdentity(
            user: NSUserName(), host: hostName(), pid: pid, process: startMark(ofProcess: pid))
    }

    /// From gethostname(2). Foundation's host name asks the DNS, which may take seconds.
    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Boot id and start time in clock ticks (proc(5), field 22 of stat); nil if no such process runs.
    static func startMark(ofProcess pid: Int) -> String? {
        // A zombie is dead, though its parent has not yet asked.
        guard let stat = ProcessStat(pid: pid), stat.state != "Z" else { return nil }
        let boot = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
        return "\(boot.prefix(8)):\(stat.startTime)"
    }
}
