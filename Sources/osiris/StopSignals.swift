import Dispatch
import Foundation
import OsirisDiagnostics
import OsirisEngine
import OsirisModel

/// SIGINT and SIGTERM as stops of an apply: the first ends it in order, the second cancels.
struct StopSignals {
    private let sources: [any DispatchSourceSignal]

    init(_ control: ApplyControl) {
        sources = [SIGINT, SIGTERM].map { number in
            // The default action would end the process before anything is recorded.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { Task { await control.stop(.interrupted) } }
            source.resume()
            return source
        }
    }

    func end() {
        for source in sources { source.cancel() }
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
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
