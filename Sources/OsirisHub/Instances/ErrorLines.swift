import Synchronization

/// What comes over an instance's stderr: tells which call each line belongs to, and when a call has said its last.
final class ErrorLines: Sendable {
    private struct State {
        var marks = CallMarks()
        /// False after a call whose last mark did not come: the function closed its stderr, or broke it.
        var areReliable = true
        var last: [UInt8] = []
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// Longest wait for the mark after a call. An instance whose mark did not come is not waited for again.
    private static let patience = Duration.seconds(1)

    private let isMarked: Bool
    private let state = Mutex(State())

    /// - Parameter isMarked: whether the instance makes `CallMarks`.
    init(isMarked: Bool) { self.isMarked = isMarked }

    /// The last line that says something.
    var last: [UInt8] { state.withLock { $0.last } }

    /// Takes a line.
    /// - Returns: what is to be logged of it.
    func read(_ bytes: [UInt8]) -> CallMarks.Line? {
        let (line, waiter) = state.withLock { state in
            let wasOver = state.marks.isOver
            let line = state.marks.read(bytes)
            if let text = line?.text, Self.saysSomething(text) { state.last = text }
            guard state.marks.isOver, !wasOver else { return (line, CheckedContinuation<Void, Never>?.none) }
            state.areReliable = true
            defer { state.waiter = nil }
            return (line, state.waiter)
        }
        waiter?.resume()
        return line
    }

    /// False for a mark, and for what Node prints after an error that nobody caught: its stack, what the error held, its own version.
    private static func saysSomething(_ line: [UInt8]) -> Bool {
        !line.isEmpty && line.first != 0x1E && line != [UInt8(ascii: "}")] && !line.starts(with: "    at ".utf8)
            && !line.starts(with: "Node.js v".utf8)
    }

    /// A call is about to be sent.
    func begin(_ call: String) { state.withLock { $0.marks.begin(call, marked: isMarked) } }

    /// A call was answered: waits until all that it printed was read.
    func end() async {
        guard isMarked else { return state.withLock { $0.marks.end() } }
        guard state.withLock({ !$0.marks.isOver && $0.areReliable }) else { return }
        let timer = Task {
            try await Task.sleep(for: Self.patience)
            self.giveUp()
        }
        defer { timer.cancel() }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.marks.isOver { state.waiter = continuation }
                return state.marks.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    private func giveUp() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter != nil { state.areReliable = false }
            return state.waiter
        }
        waiter?.resume()
    }
}
