// Stores what synchronous calls leave, and removes what is too old.
extension AsyncCalls {
    /// Stores the records of synchronous calls.
    func storeNotes() async throws {
        // One at a time, as each takes away what it has stored.
        let previous = storingNotes
        let task = Task {
            _ = await previous?.result
            while true {
                let entries = notes.first(options.notesAtOnce)
                if entries.isEmpty { return }
                try await commits.commit(entries.map { .note($0) })
                notes.stored(entries.count)
            }
        }
        storingNotes = task
        try await task.value
    }

    func keepNotes() async {
        for await _ in notes.arrivals {
            guard (try? await Task.sleep(for: .seconds(options.noteEvery))) != nil else { return }
            while true {
                do {
                    try await storeNotes()
                    break
                } catch {
                    logger.error("The records of calls cannot be stored: \(error)")
                    guard (try? await Task.sleep(for: .seconds(options.diskPatience))) != nil else { return }
                }
            }
        }
    }

    /// Removes what is too old or too much.
    func sweep() async throws {
        while try await !store.sweep(options.keeping, now: options.now()) {}
    }

    func keepSweeping() async {
        while !Task.isCancelled {
            do { try await sweep() } catch { logger.error("Old calls cannot be removed: \(error)") }
            try? await Task.sleep(for: .seconds(options.sweepEvery))
        }
    }
}
