/// Lets changes that come while a transaction runs share the next one: under load a call costs a fraction of a flush of
/// the disk.
actor CallCommits {
    /// Most callers in one transaction.
    static let most = 500

    private let store: any CallStore
    private var waiting: [(changes: [CallChange], waiter: CheckedContinuation<Void, any Error>)] = []
    private var isCommitting = false
    /// How many there were.
    private(set) var transactions = 0
    /// Callers whose changes wait for the next one.
    var waitingCount: Int { waiting.count }

    init(store: any CallStore) { self.store = store }

    /// Returns when the changes are stored.
    /// - Throws: what the store says; then none of them is.
    func commit(_ changes: [CallChange]) async throws {
        try await withCheckedThrowingContinuation { waiter in
            waiting.append((changes, waiter))
            guard !isCommitting else { return }
            isCommitting = true
            Task { await drain() }
        }
    }

    private func drain() async {
        while !waiting.isEmpty {
            let batch = waiting.prefix(Self.most)
            waiting.removeFirst(batch.count)
            transactions += 1
            do {
                try await store.commit(batch.flatMap(\.changes))
                for caller in batch { caller.waiter.resume() }
            } catch {
                for caller in batch { caller.waiter.resume(throwing: error) }
            }
        }
        isCommitting = false
    }
}
