import Foundation
import Synchronization

/// Gives each instance a user id that no process on the machine has, so limits and files are its own.
///
/// The ids are 60000...64999, which Debian leaves for use at will (Debian policy, 9.2.2).
final class InstanceUsers: Sendable {
    static let range: ClosedRange<UInt32> = 60_000...64_999

    private let next: Mutex<UInt32>

    /// Starts anywhere in the range, as another hub may count through it too.
    init() { next = Mutex(UInt32.random(in: Self.range)) }

    /// An id that is free now. It is handed out again when all others were. Blocks; use `BlockingWork`.
    /// - Throws: `StartFailure` when every id is in use.
    func take() throws -> UInt32 {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var used: Set<UInt32> = []
        for name in names where Int32(name) != nil {
            var info = stat()
            if stat("/proc/\(name)", &info) == 0 { used.insert(info.st_uid) }
        }
        return try next.withLock { next in
            for _ in Self.range {
                let user = next
                next = user == Self.range.upperBound ? Self.range.lowerBound : user + 1
                if !used.contains(user) { return user }
            }
            throw StartFailure("Every user id in 60000...64999 has processes.")
        }
    }
}
