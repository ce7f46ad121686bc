/// How long a call to a shared store is tried again while the service does not answer.
struct Patience: Sendable {
    /// From the first try to the start of the last. Shorter than the lease of a lock.
    var total: Duration = .seconds(15)
    /// Doubled after each try, up to two seconds.
    var firstPause: Duration = .milliseconds(100)

    /// Runs `body` until it succeeds, fails for another reason than a silent service, or the time is over.
    ///
    /// `body` must give the same when it is run again after an answer that was lost.
    func trying<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        let end = ContinuousClock.now + total
        var pause = firstPause
        while true {
            do {
                return try await body()
            } catch let error as SharedStoreError where error.kind == .unavailable || error.kind == .unknown {
                guard ContinuousClock.now + pause < end else { throw error }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
        }
    }
}
