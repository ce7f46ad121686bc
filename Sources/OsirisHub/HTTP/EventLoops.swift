import NIOPosix

/// The threads that move the bytes of all connections, as a place to run tasks in.
///
/// What a call passes through prefers them to the shared pool, so that it is handled where its bytes arrive: each change of
/// thread costs as much as a good part of the call. Nothing there may block.
final class EventLoops: TaskExecutor {
    static let tasks = EventLoops()

    private init() {}

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // The loop this is said on, if it is one of them.
        MultiThreadedEventLoopGroup.singleton.any().execute {
            job.runSynchronously(on: EventLoops.tasks.asUnownedTaskExecutor())
        }
    }
}
