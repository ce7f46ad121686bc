import Foundation

/// When to try again. Plain.
struct RetrySchedule: Sendable {
    /// Seconds after the first failure; it doubles with each one.
    var base = 1.0
    /// Longest pause of its own, seconds.
    var most = 300.0

    /// Longest pause another side may ask for, seconds.
    static let mostAsked = 3_600

    /// Seconds to wait after a failure.
    /// - Parameters:
    ///   - failures: how many there were, from 1.
    ///   - retryAfter: seconds the other side asked for, if it did; no shorter wait comes of it.
    ///   - jitter: random, 0...1, so that those who failed together do not come back together.
    func delay(failures: Int, retryAfter: Int?, jitter: Double) -> Double {
        let full = min(most, base * pow(2, Double(max(0, failures - 1))))
        return max(full / 2 + full / 2 * jitter, Double(min(retryAfter ?? 0, Self.mostAsked)))
    }
}
