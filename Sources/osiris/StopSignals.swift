import Dispatch
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import Synchronization

/// SIGINT, SIGTERM and SIGHUP as stops of an apply: the first ends it in order, the second cancels.
struct StopSignals {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]
    private let sources: [any DispatchSourceSignal]

    init(_ control: ApplyControl) {
        // A reader that closed the pipe must not end the run before what happens is recorded.
        signal(SIGPIPE, SIG_IGN)
        let last = LastSignal()
        sources = Self.numbers.map { number in
            // The default action would end the process before anything is recorded.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { if last.isAnother() { Task { await control.stop(.interrupted) } } }
            source.resume()
            return source
        }
    }

    func end() {
        for source in sources { source.cancel() }
        for number in Self.numbers { signal(number, SIG_DFL) }
    }
}

/// Tells a second signal from the echo of the first: `timeout` sends SIGTERM to a process and at once to its group.
private final class LastSignal: Sendable {
    private let time = Mutex<ContinuousClock.Instant?>(nil)

    func isAnother() -> Bool {
        time.withLock { time in
            let now = ContinuousClock.now
            defer { time = now }
            return time.map { now - $0 > .milliseconds(500) } ?? true
        }
    }
}

/// `--deadline`: the same as a first Ctrl-C, after a time.
struct Deadline {
    private let task: Task<Void, Never>

    /// - Throws: a `Diagnostic` if the text is not a duration.
    static func start(_ text: String, _ control: ApplyControl) throws -> Deadline {
        guard let milliseconds = Quantities.milliseconds(text) else {
            throw Diagnostic(
                .usage, "`--deadline \(text)` is not a duration", help: "write it like 90s, 20m or 1h30m")
        }
        return Deadline(
            task: Task {
                guard (try? await Task.sleep(for: .milliseconds(milliseconds))) != nil else { return }
                await control.stop(.deadline)
            })
    }

    func cancel() { task.cancel() }
}
