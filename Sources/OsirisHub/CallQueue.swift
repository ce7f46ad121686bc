/// Who waits for a free instance, first come first served, up to a bound. Plain.
struct CallQueue<Waiter> {
    /// Most that wait for one function.
    static var bound: Int { 1_000 }

    private var waiters: [(ticket: Int, waiter: Waiter)] = []
    private var nextTicket = 0

    var count: Int { waiters.count }

    /// Adds one at the end.
    /// - Returns: its ticket, or nil when the queue is full.
    mutating func enter(_ waiter: Waiter) -> Int? {
        guard waiters.count < Self.bound else { return nil }
        nextTicket += 1
        waiters.append((nextTicket, waiter))
        return nextTicket
    }

    /// Takes the one that has waited longest.
    mutating func next() -> Waiter? { waiters.isEmpty ? nil : waiters.removeFirst().waiter }

    /// Takes one out of turn, as when its time is up; nil if it has had its turn.
    mutating func leave(_ ticket: Int) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return waiters.remove(at: index).waiter
    }
}
