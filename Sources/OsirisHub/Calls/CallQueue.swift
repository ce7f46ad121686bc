/// Who waits for a free instance, first come first served, up to a bound. Plain.
struct CallQueue<Waiter> {
    /// Most that wait at once.
    let bound: Int
    private var waiters: [(ticket: Int, waiter: Waiter)] = []
    private var nextTicket = 0

    init(bound: Int) { self.bound = bound }

    var count: Int { waiters.count }

    /// A number to leave the queue by, given before its holder enters.
    mutating func ticket() -> Int {
        nextTicket += 1
        return nextTicket
    }

    /// Adds one at the end.
    /// - Returns: false when the queue is full.
    mutating func enter(_ ticket: Int, _ waiter: Waiter) -> Bool {
        guard waiters.count < bound else { return false }
        waiters.append((ticket, waiter))
        return true
    }

    /// Takes the one that has waited longest.
    mutating func next() -> Waiter? { waiters.isEmpty ? nil : waiters.removeFirst().waiter }

    /// Takes one out of turn, as when its time is up; nil if it has had its turn.
    mutating func leave(_ ticket: Int) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return waiters.remove(at: index).waiter
    }
}
