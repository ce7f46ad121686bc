import Foundation
import NIOPosix
import Synchronization

/// Takes what instances write.
protocol LogSink: Sendable {
    /// Adds a line; returns at once.
    /// - Parameters:
    ///   - redaction: applied to the lines that are kept.
    ///   - instance: the id of the instance that wrote it.
    ///   - call: the call that it belongs to, nil if it was written between calls.
    func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?)
}

/// What a function's instances wrote to stderr, and to stdout where that is not the protocol: two files that take
/// turns, so the newest 512 KiB to 1 MiB are kept.
///
/// `append` returns at once. When lines come faster than the disk takes them, or than `LogRate` allows, the excess is
/// dropped and counted.
public final class FunctionLog: LogSink {
    /// Size of one of the two files, bytes.
    static let fileBytes = 512 * 1024
    /// Most bytes that wait to be written.
    static let pendingBytes = 256 * 1024
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

    func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?) {
        let now = (ContinuousClock.now - start) / .seconds(1)
        let room = pending.withLock { pending in
            let room = pending.bytes.count + line.count < Self.pendingBytes
            guard room, pending.rate.admits(line.count + 1, at: now) else {
                pending.dropped += 1
                return false
            }
            return true
        }
        // What is dropped in a flood is told with the next line that is kept.
        guard room else { return }
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
