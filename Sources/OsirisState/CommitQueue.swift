/// Gathers entries that arrive while a commit runs, so that they share the next one. Pure; held in a `Mutex`.
///
/// There is no writer task: the first caller that finds no commit running leads one for all that wait, and hands the
/// lead to one of those who came meanwhile. So no task outlives its caller, and nobody waits for more than two commits.
struct CommitQueue<Entry: Sendable, Waiter: Sendable> {
    struct Ticket: Sendable {
        var entry: Entry
        /// Nil for the caller that leads: it takes its result from the commit itself.
        var waiter: Waiter?
    }

    private(set) var waiting: [Ticket] = []
    private(set) var isCommitting = false

    /// Queues an entry.
    /// - Returns: true if the caller must lead a commit now.
    mutating func add(_ entry: Entry, _ waiter: Waiter) -> Bool {
        if isCommitting {
            waiting.append(Ticket(entry: entry, waiter: waiter))
            return false
        }
        isCommitting = true
        waiting.append(Ticket(entry: entry, waiter: nil))
        return true
    }

    /// Everything that waits, for one transaction.
    mutating func takeBatch() -> [Ticket] {
        defer { waiting = [] }
        return waiting
    }

    /// Ends a commit.
    /// - Returns: the waiter that must lead the next one, if entries came meanwhile.
    mutating func finish() -> Waiter? {
        guard !waiting.isEmpty else {
            isCommitting = false
            return nil
        }
        defer { waiting[0].waiter = nil }
        return waiting[0].waiter
    }
}
