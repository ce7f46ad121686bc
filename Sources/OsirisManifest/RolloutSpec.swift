/// `spec.rollout`: how a change reaches machines that serve.
public struct RolloutSpec: Sendable, Equatable {
    /// When a machine's turn counts as passed.
    public enum Gate: String, Sendable, CaseIterable {
        /// Its hub and functions are ready, and the smoke calls answered.
        case ready
        /// Functions have been handed to the hub. The hub itself is waited for all the same.
        case none
    }

    /// What becomes of the rollout when a machine fails.
    public enum OnFailure: String, Sendable, CaseIterable {
        /// The machine is put back to what it was, and no further machine begins.
        case rollback
        /// No further machine begins.
        case stop
        /// The others go on while no more than `maxUnavailable` are broken.
        case `continue`
    }

    /// How many machines of a target may be out of service at a time.
    public enum Unavailable: Sendable, Equatable {
        /// 0...100, rounded down.
        case percent(Int)
        case count(Int)

        /// - Returns: at least 1.
        public func limit(of machines: Int) -> Int {
            switch self {
            case .percent(let percent): max(1, machines * percent / 100)
            case .count(let count): max(1, count)
            }
        }
    }

    /// Machines that go first, from 0.
    public var canary: Int
    public var maxUnavailable: Unavailable
    public var gate: Gate
    public var onFailure: OnFailure
    /// How long the place of a machine stays taken after its turn.
    public var pauseMilliseconds: Int

    public init(
        canary: Int = 1, maxUnavailable: Unavailable = .percent(25), gate: Gate = .ready,
        onFailure: OnFailure = .rollback, pauseMilliseconds: Int = 0
    ) {
        self.canary = canary
        self.maxUnavailable = maxUnavailable
        self.gate = gate
        self.onFailure = onFailure
        self.pauseMilliseconds = pauseMilliseconds
    }
}
