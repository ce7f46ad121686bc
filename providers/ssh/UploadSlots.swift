/// Lets a few uploads of one target go at once: more would only share the line of this machine.
actor UploadSlots {
    private var free: [String: Int] = [:]
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// - Parameters:
    ///   - target: name of the target whose uploads are counted together.
    ///   - most: uploads at once, at least 1.
    func with<Result: Sendable>(
        _ target: String, most: Int, _ body: @Sendable () async throws -> Result
    ) async rethrows -> Result {
        await take(target, most)
        defer { give(target) }
        return try await body()
    }

    private func take(_ target: String, _ most: Int) async {
        let left = free[target] ?? most
        if left > 0 {
            free[target] = left - 1
        } else {
            await withCheckedContinuation { waiting[target, default: []].append($0) }
        }
    }

    private func give(_ target: String) {
        if var queue = waiting[target], !queue.isEmpty {
            // The place goes straight to who waits longest.
            queue.removeFirst().resume()
            waiting[target] = queue
        } else {
            free[target, default: 0] += 1
        }
    }
}
