import Synchronization

/// Passes on why a call that many share waits: each of them is an operation with a line of its own.
final class SharedProgress: Sendable {
    private struct Heard {
        var listeners: [AWSClient.Progress] = []
        var last: (text: String, until: ContinuousClock.Instant)?
    }

    private let heard = Mutex(Heard())

    /// Adds one who hears all that is said from now on, and at once what is waited for at this moment.
    /// - Parameter listener: by default the task that asks; nil hears nothing.
    func join(_ listener: AWSClient.Progress? = AWSClient.progress) {
        guard let listener else { return }
        let now = heard.withLock { heard in
            heard.listeners.append(listener)
            return heard.last
        }
        if let now, now.until > .now { listener.hear(now.text, now.until - .now) }
    }

    /// For the task that makes the call, or that of a call which waits for this one.
    var progress: AWSClient.Progress {
        AWSClient.Progress { text, wait in
            let listeners = self.heard.withLock { heard in
                heard.last = (text, .now + wait)
                return heard.listeners
            }
            for listener in listeners { listener.hear(text, wait) }
        }
    }
}
