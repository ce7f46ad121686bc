/// Where one call stands: what its record shows and what decides what happens next. Plain; times are seconds since 1970.
///
/// queued → running → succeeded, failed or dead; running → queued to try again; queued or running → canceled; queued →
/// dead if the function is gone; dead → queued if somebody asks for it. A synchronous call's entry is made at its end.
///
/// The store keeps it as JSON: what is added later must be optional, or the hub cannot read what an earlier one left.
struct CallEntry: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable, CaseIterable {
        case queued, running, succeeded, failed, dead, canceled

        var hasEnded: Bool { self != .queued && self != .running }
    }

    struct Callback: Codable, Sendable, Equatable {
        enum State: String, Codable, Sendable {
            /// The call has not ended.
            case waiting
            case pending, delivered, failed
            /// The call was canceled: there is nothing to send.
            case canceled
        }

        var url: String
        var state = State.waiting
        var attempts = 0
        /// HTTP status of the last answer; nil if there was none.
        var lastStatus: Int?
        var error: String?
        /// When it is sent, while it is pending.
        var due = 0.0
    }

    let id: String
    let function: FunctionName
    let isAsync: Bool
    /// The name of the token it came with, as `Caller.name` has it.
    var caller = ""
    var state = State.queued
    /// Grows with every change: of two forms of an entry the higher one is the later.
    var revision = 0
    /// How often it was handed to the function.
    var attempts = 0
    /// How many of the attempts failed for a reason that counts.
    var failures = 0
    /// How many failures are tried again.
    var retries = 0
    let created: Double
    /// Of the last attempt.
    var started: Double?
    var ended: Double?
    /// When it may run, while it is queued.
    var due = 0.0
    var status: Int?
    var version: Int?
    var instance: String?
    var error: String?
    /// Digest of the request, to tell a repeated one from another with the same id.
    var digest = ""
    /// What its request takes in the queue.
    var bytes = 0
    var callback: Callback?

    /// True while the hub has still to do something for it.
    var isOpen: Bool { !state.hasEnded || callback?.state == .pending }

    /// Takes it from the queue for an attempt.
    mutating func begin(at now: Double) {
        change()
        (state, started) = (.running, now)
        attempts += 1
    }

    /// The attempt did not leave the hub.
    mutating func takeBack(due: Double) {
        change()
        (state, self.due) = (.queued, due)
        attempts -= 1
    }

    /// The hub ended during the attempt: what came of it is not known. It is no failure of the function.
    mutating func interrupt() {
        change()
        (state, due) = (.queued, 0)
    }

    /// Notes how the attempt went.
    /// - Parameter jitter: random, 0...1.
    mutating func end(_ outcome: CallOutcome, at now: Double, _ schedule: RetrySchedule, jitter: Double) {
        change()
        (status, version, instance) = (outcome.result.status, outcome.version, outcome.instance)
        error = outcome.error
        switch outcome.meaning {
        case .succeeded: finish(.succeeded, at: now)
        case .failed: finish(.failed, at: now)
        case .gone: finish(.dead, at: now)
        case .postponed:
            // The function never saw it.
            attempts -= 1
            queue(schedule.delay(failures: 1, retryAfter: outcome.retryAfter, jitter: jitter), from: now)
        case .retry:
            failures += 1
            if failures > retries { return finish(.dead, at: now) }
            let delay = schedule.delay(failures: failures, retryAfter: outcome.retryAfter, jitter: jitter)
            queue(delay, from: now)
        }
    }

    /// Gives a queued call up.
    mutating func bury(_ reason: HubError, at now: Double) {
        change()
        (status, error) = (reason.status, reason.message)
        finish(.dead, at: now)
    }

    /// Ends it without a result, and without a callback: who cancels knows.
    mutating func cancel(at now: Double) {
        change()
        (state, ended) = (.canceled, now)
        callback?.state = .canceled
    }

    /// Puts a dead call back, with all its retries.
    mutating func revive() {
        change()
        (state, failures, due, ended, error, status) = (.queued, 0, 0, nil, nil, nil)
        callback = callback.map { Callback(url: $0.url) }
    }

    /// Notes how sending the callback went.
    /// - Parameter most: attempts after which it is given up.
    mutating func calledBack(
        _ outcome: Delivery.Outcome, at now: Double, _ schedule: RetrySchedule, jitter: Double, most: Int
    ) {
        guard var callback else { return }
        change()
        callback.attempts += 1
        var retryAfter: Int?
        switch outcome {
        case .delivered(let status): (callback.state, callback.lastStatus, callback.error) = (.delivered, status, nil)
        case .refused(let status, let asked):
            (callback.lastStatus, callback.error, retryAfter) = (status, "Answered \(status).", asked)
        case .failed(let reason, _): (callback.lastStatus, callback.error) = (nil, reason)
        }
        if callback.state == .pending {
            if outcome.isWorthRetrying, callback.attempts < most {
                callback.due =
                    now + schedule.delay(failures: callback.attempts, retryAfter: retryAfter, jitter: jitter)
            } else {
                callback.state = .failed
            }
        }
        self.callback = callback
    }

    private mutating func change() { revision += 1 }

    private mutating func queue(_ delay: Double, from now: Double) { (state, due) = (.queued, now + delay) }

    private mutating func finish(_ end: State, at now: Double) {
        (state, ended) = (end, now)
        callback?.state = .pending
        callback?.due = 0
    }
}

extension CallEntry {
    /// Notes the answer of a synchronous call, which was handed over when it came.
    mutating func answered(_ status: Int, seconds: Double) {
        change()
        (started, ended, attempts) = (created, created + seconds, 1)
        self.status = status
        state = status < 400 ? .succeeded : .failed
    }
}
