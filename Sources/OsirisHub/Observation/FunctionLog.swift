import Foundation
import NIOPosix
import Synchronization

/// What a function's instances wrote to stderr, and to stdout where that is not the protocol: two files that take
/// turns, so the newest 512 KiB to 1 MiB are kept.
///
/// `append` returns at once. When lines come faster than `LogRate` allows, or than the disk takes them, it says how long
/// not to read the next ones. What comes all the same is dropped and counted.
public final class FunctionLog: Sendable {
    /// Size of one of the two files, bytes.
    static let fileBytes = 512 * 1024
    /// Most bytes that wait to be written.
    static let pendingBytes = 256 * 1024
    /// Rest for the disk, seconds.
    private static let diskPause = 0.01
    /// Longest line kept, bytes.
    static let lineBytes = 16 * 1024

    private struct Pending {
        var rate = LogRate()
        var bytes: [UInt8] = []
        var dropped = 0
        var scheduled = false
    }

    private let path: String
    private let start = ContinuousClock.now
    private let pending = Mutex(Pending())
    private let file = Mutex(())

    /// - Parameter path: the newer file; the older one is beside it with `.1` added.
    init(path: String) { self.path = path }

    /// Adds a line.
    /// - Parameter redaction: applied to the lines that are kept.
    /// - Returns: seconds for which nothing more should be read from who wrote the line.
    @discardableResult func append(_ line: [UInt8], _ redaction: Redaction) -> Double {
        let now = (ContinuousClock.now - start) / .seconds(1)
        let (room, hold) = pending.withLock { pending in
            let verdict = pending.rate.take(line.count + 1, at: now)
            switch verdict.note {
            case .held: pending.bytes += Array("[held back: more than 1 MiB of log at once, 256 KiB per second]\n".utf8)
            case .released(let seconds):
                pending.bytes += Array("[was held back for \(Int(seconds.rounded(.up))) s]\n".utf8)
            case nil: break
            }
            let room = verdict.keep && pending.bytes.count + line.count < Self.pendingBytes
            if !room { pending.dropped += 1 }
            let diskLags = pending.bytes.count > Self.pendingBytes / 2
            return (room, max(verdict.hold, diskLags ? Self.diskPause : 0))
        }
        // What is dropped in a flood is told with the next line that is kept.
        guard room else { return hold }
        let line = redaction.apply(line)
        let schedule = pending.withLock { pending in
            if pending.bytes.count + line.count >= Self.pendingBytes {
                pending.dropped += 1
            } else {
                pending.bytes.append(contentsOf: line)
                pending.bytes.append(0x0A)
            }
            defer { pending.scheduled = true }
            return !pending.scheduled
        }
        if schedule { NIOThreadPool.singleton.submit { _ in self.flush() } }
        return hold
    }

    /// The last lines, oldest first.
    /// - Parameter count: most lines to return.
    func tail(_ count: Int) async throws -> [String] {
        try await BlockingWork.run {
            self.flush()
            return self.file.withLock { _ in
                let older = FileManager.default.contents(atPath: self.path + ".1") ?? Data()
                let newer = FileManager.default.contents(atPath: self.path) ?? Data()
                let lines = (older + newer).split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
                return lines.suffix(count).map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }

    /// Forgets everything.
    func clear() async {
        try? await BlockingWork.run {
            self.flush()
            self.file.withLock { _ in
                unlink(self.path)
                unlink(self.path + ".1")
            }
        }
    }

    private func flush() {
        file.withLock { _ in
            var bytes = pending.withLock { pending in
                defer { pending = Pending(rate: pending.rate) }
                let note = pending.dropped > 0 ? "[\(pending.dropped) lines dropped]\n" : ""
                return pending.bytes + Array(note.utf8)
            }
            guard !bytes.isEmpty else { return }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            if lseek(descriptor, 0, SEEK_END) + off_t(bytes.count) > off_t(Self.fileBytes) {
                rename(path, path + ".1")
                let fresh = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
                guard fresh >= 0 else { return }
                defer { close(fresh) }
                Self.write(&bytes, to: fresh)
            } else {
                Self.write(&bytes, to: descriptor)
            }
        }
    }

    private static func write(_ bytes: inout [UInt8], to descriptor: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            // A full disk loses log lines, not the hub.
            guard count > 0 else { return }
            written += count
        }
    }
}
