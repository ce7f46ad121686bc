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
    /// - Returns: seconds for which nothing more should be read from who wrote the line.
    @discardableResult
    func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?) -> Double
}

/// What a function's instances wrote to stderr, and to stdout where that is not the protocol: two files that take
/// turns, so the newest 512 KiB to 1 MiB are kept.
///
/// `append` returns at once. When lines come faster than `LogRate` allows, or than the disk takes them, it says how long
/// not to read the next ones. What comes all the same is dropped and counted.
public final class FunctionLog: LogSink {
    /// Size of one of the two files, bytes.
    static let fileBytes = 512 * 1024
    /// Most bytes that wait to be written.
    static let pendingBytes = 256 * 1024
    /// Rest for the disk, seconds.
    private static let diskPause = 0.01
    /// Longest line kept, bytes.
    static let lineBytes = 16 * 1024
    /// Most that follow one log at once.
    static let mostFollowers = 100

    private struct Pending {
        var rate = LogRate()
        var bytes: [UInt8] = []
        var dropped = 0
        var scheduled = false
    }

    private struct State {
        var pending = Pending()
        var followers: [ObjectIdentifier: LogFollower] = [:]
        /// True once nobody may follow any more.
        var ended = false

        /// A line for the file, and for those who follow.
        mutating func add(_ line: LogLine) {
            pending.bytes += line.kept + [0x0A]
            for follower in followers.values { follower.offer(line) }
        }
    }

    private let path: String
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    /// Taken before `state`, never after.
    private let file = Mutex(())

    /// - Parameter path: the newer file; the older one is beside it with `.1` added.
    init(path: String) { self.path = path }

    /// How many follow it now.
    var followers: Int { state.withLock { $0.followers.count } }

    @discardableResult
    func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?) -> Double {
        let now = (ContinuousClock.now - start) / .seconds(1)
        let time = Date().timeIntervalSince1970
        let (room, hold) = state.withLock { state in
            let verdict = state.pending.rate.take(line.count + 1, at: now)
            if let note = verdict.note { state.add(LogLine(time: time, text: note.text)) }
            let room = verdict.keep && state.pending.bytes.count + line.count < Self.pendingBytes
            if !room { state.pending.dropped += 1 }
            let diskLags = state.pending.bytes.count > Self.pendingBytes / 2
            return (room, max(verdict.hold, diskLags ? Self.diskPause : 0))
        }
        // What is dropped in a flood is told with the next line that is kept.
        guard room else { return hold }
        let text = String(decoding: redaction.apply(line), as: UTF8.self)
        let line = LogLine(time: time, instance: instance, call: call, text: text)
        let kept = line.kept
        let schedule = state.withLock { state in
            if state.pending.bytes.count + kept.count >= Self.pendingBytes {
                state.pending.dropped += 1
            } else {
                state.pending.bytes.append(contentsOf: kept)
                state.pending.bytes.append(0x0A)
                // Under the lock, so that who begins to follow has each line either from the file or from here.
                for follower in state.followers.values { follower.offer(line) }
            }
            defer { state.pending.scheduled = true }
            return !state.pending.scheduled
        }
        if schedule { NIOThreadPool.singleton.submit { _ in self.flush() } }
        return hold
    }

    /// The last lines that are wanted, oldest first.
    func lines(_ query: LogQuery) async throws -> [LogLine] {
        try await BlockingWork.run { query.lines(in: self.contents { _ in }) }
    }

    /// Says whether one more may follow now.
    /// - Throws: `HubError` 429 when too many do, 503 when the hub ends.
    func admitFollower() throws { try state.withLock { try Self.admit($0) } }

    private static func admit(_ state: State) throws {
        if state.ended { throw HubError.shuttingDown }
        guard state.followers.count < mostFollowers else {
            throw HubError(
                429, "too_many_followers", "\(mostFollowers) callers follow this log already.", retryable: true,
                retryAfter: 10)
        }
    }

    /// The last lines that are wanted, and all that come after them. `unfollow` must be called at the end.
    /// - Throws: as `admitFollower`.
    func follow(_ query: LogQuery) async throws -> (lines: [LogLine], follower: LogFollower) {
        try await BlockingWork.run {
            let follower = LogFollower(query)
            let bytes = try self.contents { state in
                try Self.admit(state)
                state.followers[ObjectIdentifier(follower)] = follower
            }
            return (query.lines(in: bytes), follower)
        }
    }

    func unfollow(_ follower: LogFollower) {
        state.withLock { _ = $0.followers.removeValue(forKey: ObjectIdentifier(follower)) }
    }

    /// Ends what follows it, for good.
    func end() {
        let followers = state.withLock { state in
            state.ended = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.end() }
    }

    /// Forgets everything.
    func clear() async {
        end()
        try? await BlockingWork.run {
            self.flush()
            self.file.withLock { _ in
                unlink(self.path)
                unlink(self.path + ".1")
            }
        }
    }

    /// What is kept, older file first, and what still waits to be written.
    /// - Parameter atOnce: done at the moment after which new lines are not among these.
    private func contents(_ atOnce: @Sendable (inout State) throws -> Void) rethrows -> Data {
        try file.withLock { _ in
            let waiting = try state.withLock { state in
                try atOnce(&state)
                return state.pending.bytes
            }
            let older = FileManager.default.contents(atPath: path + ".1") ?? Data()
            let newer = FileManager.default.contents(atPath: path) ?? Data()
            return older + newer + waiting
        }
    }

    private func flush() {
        file.withLock { _ in
            var bytes = state.withLock { state in
                defer { state.pending = Pending(rate: state.pending.rate) }
                guard state.pending.dropped > 0 else { return state.pending.bytes }
                let note = LogLine(
                    time: Date().timeIntervalSince1970, text: "[\(state.pending.dropped) lines dropped]")
                for follower in state.followers.values { follower.offer(note) }
                return state.pending.bytes + note.kept + [0x0A]
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
