import Foundation

/// Bounds and times of asynchronous calls.
struct AsyncOptions: Sendable {
    /// Most calls of a function that wait.
    var mostWaiting = 10_000
    /// Most bytes of all requests that wait or run.
    var mostBytes = 512 << 20
    /// Failures that are tried again unless the caller says otherwise.
    static let retries = 2
    /// Most the caller may ask for.
    static let mostRetries = 20
    /// Times a callback is sent before it is given up.
    var mostCallbacks = 10
    /// Callbacks sent at once, of all functions and of one.
    var callbacksAtOnce = (all: 32, function: 4)
    var schedule = RetrySchedule()
    /// Seconds before the disk is tried again that did not take something.
    var diskPatience = 1.0
    var keeping = CallKeeping()
    /// Seconds between two looks for what is too old.
    var sweepEvery = 60.0
    /// Seconds that records of synchronous calls are gathered for.
    var noteEvery = 0.25
    /// Most of them in one transaction.
    var notesAtOnce = 500
    /// Seconds since 1970.
    var now: @Sendable () -> Double = { Date().timeIntervalSince1970 }
    /// 0...1.
    var jitter: @Sendable () -> Double = { Double.random(in: 0...1) }

    init() {}

    init(_ config: HubConfig.Calls?) {
        keeping.results = (config?.resultHours).map { $0 * 3_600 } ?? keeping.results
        keeping.records = (config?.recordHours).map { $0 * 3_600 } ?? keeping.records
        keeping.most = config?.most ?? keeping.most
    }
}
