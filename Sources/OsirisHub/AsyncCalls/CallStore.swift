/// One change of what is kept about calls.
enum CallChange: Sendable {
    /// A new asynchronous call.
    case add(CallEntry, CallRequest)
    /// A later form of an entry, and its result if there is a new one. The request goes once it is not needed any more.
    case update(CallEntry, CallResult?)
    /// A synchronous call that has ended. One with the id of an asynchronous call is not kept.
    case note(CallEntry)
}

/// Which entries are wanted.
struct CallQuery: Sendable {
    var namespaces: [String]
    var name: String?
    var state: CallEntry.State?
    /// Only those older than this call.
    var before: String?
    var limit: Int
}

/// Until when what is kept.
struct CallKeeping: Sendable, Equatable {
    /// Seconds after the end of a call.
    var results = 3_600.0
    /// Seconds after the end of a call.
    var records = 86_400.0
    /// Most records of ended calls.
    var most = 100_000
    /// Most bytes of all results; the oldest go first.
    var resultBytes = 1 << 30
}

/// Where a hub keeps its calls. Each hub has its own. What `commit` has stored survives the loss of the machine's power.
protocol CallStore: Sendable {
    /// Stores changes in their order: all, or none if it throws.
    func commit(_ changes: [CallChange]) async throws
    func entry(_ id: String) async throws -> CallEntry?
    /// Every entry with something to do, in the order they came.
    func open() async throws -> [CallEntry]
    /// Nil for a synchronous call, and for one that ended without a chance to run again.
    func request(_ id: String) async throws -> CallRequest?
    /// Nil if there is none yet or none any more.
    func result(_ id: String) async throws -> CallResult?
    /// Newest first.
    func list(_ query: CallQuery) async throws -> [CallEntry]
    /// Those of the entries.
    func namespaces() async throws -> [String]
    /// Removes some of what is too old or too much.
    /// - Returns: true if nothing is left to remove.
    func sweep(_ keeping: CallKeeping, now: Double) async throws -> Bool
    func close() async throws
}
