import Foundation
import Synchronization

/// The function processes that run, in a file that a later hub reads when this one was killed.
final class InstanceLedger: Sendable {
    private let data: DataFolder
    private let running = Mutex<Set<ProcessIdentity>>([])

    init(data: DataFolder) { self.data = data }

    /// What the file holds.
    private struct Record: Codable {
        /// The kernel's id of this boot: after another one the process ids mean nothing.
        var boot: String
        var instances: [ProcessIdentity]
    }

    /// Kills the processes an earlier hub left behind. A process that only has the same id is left alone.
    /// - Returns: how many were killed.
    func reapLeftovers() async throws -> Int {
        try await BlockingWork.run {
            let bytes = FileManager.default.contents(atPath: self.data.instances) ?? Data()
            let record = try? JSONDecoder().decode(Record.self, from: bytes)
            var killed = 0
            if let record, record.boot == Self.boot {
                for leftover in record.instances where leftover.pid > 1 { killed += leftover.killSession() }
            }
            try self.update { $0 = [] }
            return killed
        }
    }

    /// Notes a process that was launched.
    func add(_ pid: pid_t) async {
        try? await BlockingWork.run {
            guard let identity = ProcessIdentity(pid: pid) else { return }
            try self.update { $0.insert(identity) }
        }
    }

    /// Forgets a process that was reaped.
    func remove(_ pid: pid_t) async {
        try? await BlockingWork.run { try self.update { $0 = $0.filter { $0.pid != pid } } }
    }

    private func update(_ change: (inout Set<ProcessIdentity>) -> Void) throws {
        // The lock spans the write, so the file never goes back to an older list.
        try running.withLock { running in
            change(&running)
            let record = Record(boot: Self.boot, instances: running.sorted { $0.pid < $1.pid })
            try data.write(try HubJSON.encode(record), to: data.instances, mode: 0o600)
        }
    }

    private static var boot: String {
        let bytes = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
