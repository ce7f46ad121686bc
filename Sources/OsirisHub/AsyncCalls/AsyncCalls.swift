import Logging

/// Accepts asynchronous calls, hands them to their functions and keeps what became of them; keeps the records of
/// synchronous calls, too.
///
/// What has to be done is in memory, requests and results are in the store. Every step is stored before the next one:
/// a call before it is acknowledged, an attempt before the function sees it, its end before the callback. So a hub that is
/// killed goes on where it was, and repeats at most the attempts that ran.
actor AsyncCalls {
    /// Hands a call to a function.
    typealias Execute = @Sendable (FunctionName, FunctionCall) async throws -> FunctionAnswer
    /// Is told of each attempt, as it is a call of the function.
    typealias Report = @Sendable (CallReport) -> Void
    /// Every function, and how many of its calls may run at once.
    typealias Functions = @Sendable () async -> [FunctionName: Int]

    nonisolated let store: any CallStore
    nonisolated let commits: CallCommits
    nonisolated let notes = CallNotes()
    nonisolated let options: AsyncOptions
    nonisolated let delivery: Delivery
    let execute: Execute
    let report: Report
    let functions: Functions
    nonisolated let logger: Logger
    /// Every entry with something to do.
    var live: [String: CallEntry] = [:]
    /// Revisions of entries that are on their way to the store. Until they are there callers are told what is: a kill would
    /// undo the rest.
    var storing: [String: Int] = [:]
    var lines = CallLines()
    var callbackLines = CallLines()
    var counts = AsyncCounts()
    /// Attempts that run.
    var attempts: [String: Task<Void, Never>] = [:]
    /// Callbacks that are being sent.
    var callbacks: [String: Task<Void, Never>] = [:]
    var alarm: (time: Double, task: Task<Void, Never>)?
    var isPumping = false
    var pumpAgain = false
    private(set) var closing = false
    /// Bytes of all requests that wait or run, and how many of each function are being stored.
    private var bytes = 0
    private var reserved: [FunctionName: Int] = [:]
    /// Ids that are being submitted, and who else waits to submit them.
    private var arriving: [String: [CheckedContinuation<Void, Never>]] = [:]
    private var upkeep: [Task<Void, Never>] = []
    var storingNotes: Task<Void, any Error>?

    init(
        store: any CallStore, options: AsyncOptions = AsyncOptions(), delivery: Delivery, logger: Logger,
        functions: @escaping Functions, report: @escaping Report = { _ in }, execute: @escaping Execute
    ) {
        self.store = store
        commits = CallCommits(store: store)
        self.options = options
        self.delivery = delivery
        self.logger = logger
        self.functions = functions
        self.execute = execute
        self.report = report
    }

    /// Goes on with what is stored. Attempts that ran when the last hub ended are made again.
    func start() async throws {
        var interrupted: [CallChange] = []
        for var entry in try await store.open() {
            if entry.state == .running {
                entry.interrupt()
                interrupted.append(.update(entry, nil))
            }
            live[entry.id] = entry
            if entry.state.hasEnded {
                callbackLines.add(entry.id, to: entry.function, due: entry.callback?.due ?? 0)
            } else {
                bytes += entry.bytes
                lines.add(entry.id, to: entry.function, due: entry.due)
            }
        }
        if !interrupted.isEmpty {
            logger.notice("\(interrupted.count) asynchronous calls ran when the last hub ended and are made again")
            // A full disk is no reason not to start: whatever happens to them next is stored first.
            do { try await commits.commit(interrupted) } catch { logger.error("That cannot be stored: \(error)") }
        }
        upkeep = [Task { await self.keepNotes() }, Task { await self.keepSweeping() }]
        kick()
    }

    /// Starts nothing more. What runs goes on.
    func close() {
        closing = true
        alarm?.task.cancel()
    }

    /// Waits for what runs to be stored, and closes the store. The attempts must have ended or be about to.
    func stop() async {
        close()
        for task in upkeep { task.cancel() }
        for task in callbacks.values { task.cancel() }
        while let task = attempts.values.first ?? callbacks.values.first { await task.value }
        for task in upkeep { await task.value }
        notes.finish()
        _ = try? await storeNotes()
        try? await store.close()
    }

    /// Takes a call. It is stored when this returns.
    /// - Parameter mayBeKnown: false for an id that was just made up.
    /// - Returns: the entry, and false if the same call was taken before.
    /// - Throws: `HubError` 404, 409 for an id of another call, 429, 503.
    func submit(_ entry: CallEntry, _ request: CallRequest, mayBeKnown: Bool) async throws -> (CallEntry, isNew: Bool) {
        while arriving[entry.id] != nil {
            await withCheckedContinuation { arriving[entry.id, default: []].append($0) }
        }
        arriving[entry.id] = []
        defer { for waiter in arriving.removeValue(forKey: entry.id) ?? [] { waiter.resume() } }
        if mayBeKnown, let known = try await self.entry(entry.id) {
            guard known.digest == entry.digest else {
                throw HubError(409, "exists", "There is another call with the id \(entry.id).")
            }
            return (known, false)
        }
        guard await functions()[entry.function] != nil else { throw Controller.unknown(entry.function) }
        if closing { throw HubError.shuttingDown }
        try reserve(entry)
        do {
            try await commits.commit([.add(entry, request)])
        } catch {
            release(entry)
            throw notStored(error)
        }
        reserved[entry.function, default: 1] -= 1
        live[entry.id] = entry
        lines.add(entry.id, to: entry.function)
        counts.count(entry.function, .queued)
        kick()
        return (entry, true)
    }

    /// Ends a call. If an attempt runs, what comes of it is dropped; the function is not disturbed.
    /// - Throws: `HubError` 404, 409 if it has ended, 503.
    func cancel(_ id: String) async throws -> CallEntry {
        guard let known = try await entry(id) else { throw Self.unknown(id) }
        var entry = live[id] ?? known
        guard !entry.state.hasEnded else {
            throw HubError(409, "ended", "The call \(id) has ended: \(entry.state.rawValue).")
        }
        entry.cancel(at: options.now())
        lines.remove(id, of: entry.function)
        guard await keep([(entry, nil)]) else { throw HubError.shuttingDown }
        counts.count(entry.function, .canceled)
        bytes -= entry.bytes
        // Leaves the queue for an instance. Once it has one it goes on, and its slot is taken until its end.
        if let task = attempts[id] { task.cancel() } else { live[id] = nil }
        return entry
    }

    /// Puts a dead call back into the queue.
    /// - Throws: `HubError` 404, 409 if it is not dead or its callback is on its way, 429, 503.
    func retry(_ id: String) async throws -> CallEntry {
        guard var entry = try await entry(id) else { throw Self.unknown(id) }
        guard entry.state == .dead, live[id] == nil, arriving[id] == nil else {
            throw HubError(409, "not_dead", "Only a call in the state dead whose callback is done can be tried again.")
        }
        guard await functions()[entry.function] != nil else { throw Controller.unknown(entry.function) }
        if closing { throw HubError.shuttingDown }
        guard live[id] == nil, arriving[id] == nil else {
            throw HubError(409, "not_dead", "The call \(id) is being tried again already.")
        }
        arriving[id] = []
        defer { for waiter in arriving.removeValue(forKey: id) ?? [] { waiter.resume() } }
        try reserve(entry)
        entry.revive()
        do {
            try await commits.commit([.update(entry, nil)])
        } catch {
            release(entry)
            throw notStored(error)
        }
        reserved[entry.function, default: 1] -= 1
        live[id] = entry
        lines.add(id, to: entry.function)
        kick()
        return entry
    }

    /// A function is gone: its calls that wait are given up.
    func functionDeleted(_ function: FunctionName) async { await bury(lines.removeAll(of: function)) }

    // MARK: What is kept

    /// - Throws: what the store says.
    func entry(_ id: String) async throws -> CallEntry? {
        if let known = settled(id) ?? notes.entry(id) { return known }
        let stored = try await store.entry(id)
        // It may have come to life meanwhile.
        return settled(id) ?? stored
    }

    private func settled(_ id: String) -> CallEntry? { storing[id] == nil ? live[id] : nil }

    /// Newest first.
    func list(_ query: CallQuery) async throws -> [CallEntry] {
        // Without those of the last moment if the disk takes none.
        try? await storeNotes()
        return try await store.list(query).map { settled($0.id) ?? $0 }
    }

    /// The kept answer of a call that has ended.
    /// - Throws: `HubError` 404 if it has none yet or never had one, 410 if it is kept no more.
    func result(_ entry: CallEntry) async throws -> CallResult {
        guard entry.isAsync, entry.state.hasEnded, entry.state != .canceled else {
            throw HubError(
                404, "no_result",
                entry.isAsync
                    ? "The call \(entry.id) has no result; its state is \(entry.state.rawValue)."
                    : "Results of synchronous calls are not kept.")
        }
        if let result = try await store.result(entry.id) { return result }
        throw HubError(410, "expired", "The result of the call \(entry.id) is not kept any more.")
    }

    static func unknown(_ id: String) -> HubError {
        HubError(404, "not_found", "There is no call with the id \(id), or its record is not kept any more.")
    }
}

// The bounds.
extension AsyncCalls {
    /// Room for a call that is about to be stored.
    private func reserve(_ entry: CallEntry) throws {
        let waiting = lines.waiting(entry.function) + reserved[entry.function, default: 0]
        guard waiting < options.mostWaiting, bytes + entry.bytes <= options.mostBytes else {
            throw HubError(
                429, "too_many_calls", "As many asynchronous calls wait as the hub keeps.", retryable: true,
                retryAfter: 5)
        }
        reserved[entry.function, default: 0] += 1
        bytes += entry.bytes
    }

    private func release(_ entry: CallEntry) {
        reserved[entry.function, default: 1] -= 1
        bytes -= entry.bytes
    }

    /// A call has ended and takes no room any more.
    func free(_ entry: CallEntry) { bytes -= entry.bytes }

    func notStored(_ error: any Error) -> HubError {
        logger.error("The calls cannot be stored: \(error)")
        return HubError(
            503, "not_stored", "The hub cannot store this now. Its disk may be full.", retryable: true, retryAfter: 10)
    }
}
