import OsirisEngine

import struct Foundation.Date

/// An observer that also has something to say when nothing happens: time passes, an operation takes long.
public protocol ApplyOutput: ApplyObserver {
    /// How often `tick` is called.
    var interval: Duration { get }
    /// Says what time alone makes worth saying.
    func tick(at time: Date)
    /// Says the last thing and leaves the terminal as it was. Calling it again does nothing.
    func end()
}

extension ApplyOutput {
    /// Ticks while `body` runs; ends the output before it returns or throws, also when the task is cancelled.
    public func during<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let ticking = Task {
            while !Task.isCancelled {
                tick(at: Date())
                try? await Task.sleep(for: interval)
            }
        }
        let outcome: Result<Value, Failure>
        do throws(Failure) {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        ticking.cancel()
        await ticking.value
        end()
        return try outcome.get()
    }
}

/// Tells when nothing was said for too long.
struct SilenceWatch {
    /// A little under the ten seconds that are promised, because ticks come now and then only.
    static let limit = 9.5

    private var lastSaid: Date?

    mutating func said(at time: Date) { lastSaid = time }

    /// True if it is time to speak; counts as having spoken.
    mutating func isTooLong(at time: Date) -> Bool {
        guard let last = lastSaid else {
            lastSaid = time
            return false
        }
        guard time.timeIntervalSince(last) >= Self.limit else { return false }
        lastSaid = time
        return true
    }
}
