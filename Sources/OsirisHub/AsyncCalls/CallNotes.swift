import Synchronization

/// Synchronous calls that have ended and are not stored yet. A call never waits for the disk: its record is kept here for
/// a moment, and is lost if the hub is killed meanwhile.
final class CallNotes: Sendable {
    /// Most that are kept here; what comes while the disk takes none is not recorded.
    static let most = 10_000

    private let entries = Mutex<[CallEntry]>([])
    private let signal: AsyncStream<Void>.Continuation
    /// Tells that there are some.
    let arrivals: AsyncStream<Void>

    init() { (arrivals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func add(_ entry: CallEntry) {
        let isFirst = entries.withLock { entries in
            guard entries.count < Self.most else { return false }
            entries.append(entry)
            return entries.count == 1
        }
        if isFirst { signal.yield() }
    }

    /// The newest with that id.
    func entry(_ id: String) -> CallEntry? { entries.withLock { $0.last { $0.id == id } } }

    /// The oldest ones, which stay until they are `stored`.
    func first(_ count: Int) -> [CallEntry] { entries.withLock { Array($0.prefix(count)) } }

    /// The oldest ones need not be kept here any more.
    func stored(_ count: Int) { entries.withLock { $0.removeFirst(count) } }

    func finish() { signal.finish() }
}
