/// Does in one call what many ask for at the same time: what is asked within a moment, or while a call of the same key
/// runs, goes into the next one.
actor Gather<Key: Hashable & Sendable, Item: Sendable, Answer: Sendable> {
    private struct Batch {
        var number: Int
        var items: [Item]
        var task: Task<[Result<Answer, any Error>], Never>
    }

    /// By key: what has not begun yet.
    private var open: [Key: Batch] = [:]
    /// By key: what began last, or waits for its turn and takes nothing more.
    private var last: [Key: Batch] = [:]
    private var closed: [Int: [Item]] = [:]
    private var batches = 0
    /// Most of one call.
    private let most: Int
    private let call: @Sendable (Key, [Item]) async -> [Result<Answer, any Error>]

    /// - Parameter call: answers each item, in their order.
    init(most: Int, _ call: @escaping @Sendable (Key, [Item]) async -> [Result<Answer, any Error>]) {
        (self.most, self.call) = (most, call)
    }

    /// - Throws: what was answered to the item.
    func add(_ item: Item, to key: Key) async throws -> Answer {
        if var batch = open[key] {
            let index = batch.items.count
            batch.items.append(item)
            open[key] = batch
            if batch.items.count == most { close(key) }
            return try await batch.task.value[index].get()
        }
        batches += 1
        let number = batches
        let before = last[key]?.task
        // Shared by tasks that may be cancelled one by one, so it is none of theirs.
        let task = Task {
            try? await Task.sleep(for: .milliseconds(50))
            _ = await before?.value
            return await call(key, take(number, key))
        }
        open[key] = Batch(number: number, items: [item], task: task)
        if most == 1 { close(key) }
        return try await task.value[0].get()
    }

    private func close(_ key: Key) {
        guard let batch = open.removeValue(forKey: key) else { return }
        closed[batch.number] = batch.items
        last[key] = batch
    }

    private func take(_ number: Int, _ key: Key) -> [Item] {
        if open[key]?.number == number { close(key) }
        return closed.removeValue(forKey: number) ?? []
    }
}

extension Gather where Answer == Void {
    /// - Parameter all: does what all ask for; what it throws is the answer to each.
    init(most: Int, _ all: @escaping @Sendable (Key, [Item]) async throws -> Void) {
        self.init(most: most) { key, items in
            do {
                try await all(key, items)
                return items.map { _ in .success(()) }
            } catch {
                return items.map { _ in .failure(error) }
            }
        }
    }
}
