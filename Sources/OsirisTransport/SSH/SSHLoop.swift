import Foundation
import Synchronization

/// The one thread that runs the code of all SSH connections and waits for their sockets.
///
/// It is the executor of the `SSHConnection` actors: libssh2 may be used by one thread at a time only, and calls that
/// would block return at once and are repeated when `ready` says that the socket has moved. So one thread carries
/// hundreds of hosts, and none of the shared ones is held up.
final class SSHLoop: SerialExecutor {
    /// What to wait for on a socket.
    struct Interest: OptionSet, Sendable {
        let rawValue: Int16
        static let read = Interest(rawValue: Int16(POLLIN))
        static let write = Interest(rawValue: Int16(POLLOUT))
    }

    private struct Wait {
        var sockets: [Int32: Interest]
        var deadline: ContinuousClock.Instant
        /// True: the socket has moved. False: the time is up, or the wait was cancelled.
        var waiter: CheckedContinuation<Bool, Never>
    }

    private struct Work {
        var jobs: [UnownedJob] = []
        var waits: [UInt64: Wait] = [:]
        var nextWait: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var isStopping = false
        /// The loop's own thread, which looks at its work before it waits and need not be woken.
        var thread: pthread_t?
    }

    private let work = Mutex(Work())
    /// A pipe that ends the wait of the thread: written by others, read by it.
    private let wake: (read: Int32, write: Int32)

    private init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "There are no file descriptors left.")
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        wake = (ends[0], ends[1])
        Thread {
            // The kernel learns of a name only from the thread itself.
            Thread.current.name = "osiris.ssh"
            self.run()
        }.start()
    }

    /// Keeps the thread of a loop alive: it ends with the last reference to this.
    final class Life: Sendable {
        let loop = SSHLoop()
        deinit { loop.stop() }
    }

    /// Ends the thread when its jobs are done. Waits that are left end as if their time were up.
    private func stop() { tell { $0.isStopping = true } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        tell { $0.jobs.append(job) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Waits until one of the sockets has moved, or `nudge` says so. Called by a connection, it leaves no gap between
    /// what the connection did last and the wait, in which a nudge could be lost.
    /// - Returns: false when none has by the deadline, or the task was cancelled.
    func ready(
        _ sockets: [Int32: Interest], until deadline: ContinuousClock.Instant,
        isolation: isolated (any Actor)? = #isolation
    ) async -> Bool {
        let id = work.withLock { work in
            work.nextWait += 1
            return work.nextWait
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                tell { work in
                    let isCancelled = work.cancelled.remove(id) != nil
                    work.waits[id] = Wait(
                        sockets: sockets, deadline: isCancelled ? .now : deadline, waiter: waiter)
                }
            }
        } onCancel: {
            tell { work in
                if work.waits[id] != nil { work.waits[id]?.deadline = .now } else { work.cancelled.insert(id) }
            }
        }
    }

    /// Ends the waits for a socket: somebody has read from it what may be for others.
    func nudge(_ socket: Int32) {
        finish(work.withLock { work in work.waits.filter { $0.value.sockets[socket] != nil }.map(\.key) }, moved: true)
    }

    private func tell(_ change: (inout Work) -> Void) {
        let isOwn = work.withLock { work in
            change(&work)
            return work.thread == pthread_self()
        }
        if isOwn { return }
        var byte: UInt8 = 0
        // A full pipe is as good: the thread wakes up anyway.
        _ = write(wake.write, &byte, 1)
    }

    private func run() {
        work.withLock { $0.thread = pthread_self() }
        while true {
            let jobs = work.withLock { work in
                defer { work.jobs = [] }
                return work.jobs
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            if !jobs.isEmpty { continue }
            let (waits, isDone) = work.withLock { ($0.waits, $0.isStopping && $0.jobs.isEmpty) }
            if isDone {
                finish(Array(waits.keys), moved: false)
                close(wake.read)
                close(wake.write)
                return
            }
            poll(waits)
        }
    }

    private func poll(_ waits: [UInt64: Wait]) {
        var sockets = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        var ids: [UInt64] = []
        var first = ContinuousClock.now + .seconds(3600)
        for (id, wait) in waits {
            for (socket, interest) in wait.sockets {
                sockets.append(pollfd(fd: socket, events: interest.rawValue, revents: 0))
                ids.append(id)
            }
            first = min(first, wait.deadline)
        }
        let left = (first - .now) / .milliseconds(1)
        _ = Foundation.poll(&sockets, nfds_t(sockets.count), Int32(max(0, left.rounded(.up))))
        var bytes = [UInt8](repeating: 0, count: 512)
        while read(wake.read, &bytes, bytes.count) == bytes.count {}
        finish(zip(ids, sockets.dropFirst()).filter { $0.1.revents != 0 }.map(\.0), moved: true)
        let now = ContinuousClock.now
        let late = work.withLock { work in work.waits.filter { $0.value.deadline <= now }.map(\.key) }
        finish(late, moved: false)
    }

    private func finish(_ ids: [UInt64], moved: Bool) {
        let waits = work.withLock { work in ids.compactMap { work.waits.removeValue(forKey: $0) } }
        for wait in waits { wait.waiter.resume(returning: moved) }
    }
}
