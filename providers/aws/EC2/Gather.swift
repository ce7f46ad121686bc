/// Does in one call what many ask for at the same time: what is asked within a moment, or while a call of the same key
/// runs, goes into the next one.
actor Gather<Key: Hashable & Sendable> {
    private struct Batch {
        var number: Int
        var items: [String]
        var task: Task<Void, any Error>
    }

    /// By key: what has not begun yet.
    private var open: [Key: Batch] = [:]
    /// By key: what began last, or waits for its turn and takes nothing more.
    private var last: [Key: Batch] = [:]
    private var closed: [Int: [String]] = [:]
    private var batches = 0
    /// Most of one call.
    private let most: Int
    private let call: @Sendable (Key, [String]) async throws -> Void

    init(most: Int, _ call: @escaping @Sendable (Key, [String]) async throws -> Void) {
        (self.most, self.call) = (most, call)
    }

    /// Returns when the call that the item was part of has succeeded.
    /// - Throws: what that call threw.
    func add(_ item: String, to key: Key) async throws {
        if var batch = open[key] {
            batch.items.append(item)
            open[key] = batch
            if batch.items.count == most { close(key) }
            return try await batch.task.value
        }
        batches += 1
        let number = batches
        let before = last[key]?.task
        // Shared by tasks that may be cancelled one by one, so it is none of theirs.
        let task = Task {
            try? await Task.sleep(for: .milliseconds(10))
            _ = await before?.result
            try await call(key, take(number, key))
        }
        open[key] = Batch(number: number, items: [item], task: task)
        if most == 1 { close(key) }
        try await task.value
    }

    private func close(_ key: Key) {
        guard let batch = open.removeValue(forKey: key) else { return }
        closed[batch.number] = batch.items
        last[key] = batch
    }

    private func take(_ number: Int, _ key: Key) -> [String] {
        if open[key]?.number == number { close(key) }
        return closed.removeValue(forKey: number) ?? []
    }
}
