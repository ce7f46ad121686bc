/// What is known of the container engine, so that nobody has to wait for one that hangs.
actor EngineState {
    /// How long what it said is told again without asking.
    static let freshFor = Duration.seconds(10)
    /// Longest wait for its first word.
    static let firstWait = Duration.milliseconds(500)

    private var last: (claim: ContainerHost.Claim, time: ContinuousClock.Instant)?
    private var asking: Task<Void, Never>?
    private var clearing: Task<Void, Never>?

    /// What the engine said last; it is asked again in the background if that is a while ago.
    /// - Returns: nil while it has said nothing yet.
    func claim(_ ask: @escaping @Sendable () async -> ContainerHost.Claim) async -> ContainerHost.Claim? {
        let isFresh = last.map { $0.time + Self.freshFor > .now } ?? false
        if !isFresh, asking == nil {
            asking = Task {
                let claim = await ask()
                said(claim)
                asking = nil
            }
        }
        let deadline = ContinuousClock.now + Self.firstWait
        while last == nil, ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }
        }
        return last?.claim
    }

    func said(_ claim: ContainerHost.Claim) { last = (claim, .now) }

    /// Begins to remove what an earlier hub left.
    func clear(_ work: @escaping @Sendable () async -> Void) {
        clearing = Task { await work() }
    }

    /// Waits until that is done, or has failed.
    func cleared() async { await clearing?.value }

    /// Asks for nothing more.
    func end() {
        asking?.cancel()
        clearing?.cancel()
    }
}
