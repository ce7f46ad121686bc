import OsirisEngine
import OsirisPlanner
import Synchronization

import struct Foundation.Date

/// Apply output for a terminal: what is done scrolls away above, what runs stands below and is redrawn ten times a
/// second at most.
///
/// Call `end` however the apply ends: it leaves the terminal clean.
public final class LiveView: ApplyOutput {
    private let output: LiveOutput
    private let ticker: Ticker

    /// - Parameters:
    ///   - plan: tells what comes next.
    ///   - style: asked for every frame, so that a resized window is followed.
    ///   - sink: receives text with escape sequences for the terminal.
    public init(
        plan: Plan?, style: @escaping @autoclosure @Sendable () -> TextStyle, sink: @escaping @Sendable (String) -> Void
    ) {
        output = LiveOutput(plan: plan, style: style, sink: sink)
        ticker = Ticker(output, every: .milliseconds(100))
    }

    public func observe(_ event: ApplyEvent, at time: Date) { output.observe(event, at: time) }

    /// Erases the view, writes what is left to say above it and shows the cursor again.
    public func end() async {
        await ticker.stop()
        output.end()
    }
}

final class LiveOutput: TimedOutput {
    private let style: @Sendable () -> TextStyle
    private let sink: @Sendable (String) -> Void
    private let state: Mutex<LiveViewState>
    private let screen = Mutex(LiveScreen())

    init(plan: Plan?, style: @escaping @Sendable () -> TextStyle, sink: @escaping @Sendable (String) -> Void) {
        (self.style, self.sink) = (style, sink)
        state = Mutex(LiveViewState(plan: plan))
    }

    /// Remembers the event; the next frame shows it. Never writes, so a slow terminal cannot hold up the apply.
    func observe(_ event: ApplyEvent, at time: Date) { state.withLock { $0.take(event, at: time) } }

    func tick(at time: Date) {
        let style = style()
        screen.withLock { screen in
            let (finished, frame) = state.withLock {
                ($0.takeFinishedLines(style: style), $0.frame(at: time, style: style))
            }
            let text = screen.draw(finished: finished, frame: frame, width: style.width)
            if !text.isEmpty { sink(text) }
        }
    }

    /// Erases the view, writes what is left to say above it and shows the cursor again.
    func end() {
        let style = style()
        screen.withLock { screen in
            let finished = state.withLock { $0.takeFinishedLines(style: style) }
            let text = screen.end(finished: finished, width: style.width)
            if !text.isEmpty { sink(text) }
        }
    }
}

/// What stands on the terminal, and the escape sequences (ECMA-48) from there to the next frame.
struct LiveScreen {
    private var frame: [String] = []
    private var isCursorHidden = false
    private var isEnded = false

    /// One text for one write: a frame that comes in pieces flickers.
    mutating func draw(finished: [String], frame new: [String], width: Int) -> String {
        guard !isEnded, !finished.isEmpty || new != frame else { return "" }
        var text = ""
        if !isCursorHidden && !new.isEmpty {
            text += "\u{1B}[?25l"
            isCursorHidden = true
        }
        text += upToFrame(width: width)
        // Each line clears what was right of it, the end clears what was below: nothing is blank in between.
        for line in finished + new { text += line + "\u{1B}[K\n" }
        if !frame.isEmpty { text += "\u{1B}[J" }
        frame = new
        return text
    }

    mutating func end(finished: [String], width: Int) -> String {
        guard !isEnded else { return "" }
        var text = draw(finished: finished, frame: [], width: width)
        if isCursorHidden { text += "\u{1B}[?25h" }
        isEnded = true
        return text
    }

    /// Back to the first column of the frame's first line.
    private func upToFrame(width: Int) -> String {
        // In a window made narrower since, lines have been broken into several rows.
        let rows = frame.reduce(0) { $0 + max(1, (Self.columns($1) + width - 1) / width) }
        return rows == 0 ? "" : "\r\u{1B}[\(rows)A"
    }

    /// Columns of a line without its colour sequences.
    private static func columns(_ line: String) -> Int {
        var plain = String.UnicodeScalarView()
        var inSequence = false
        for scalar in line.unicodeScalars {
            if inSequence {
                inSequence = scalar != "m"
            } else if scalar == "\u{1B}" {
                inSequence = true
            } else {
                plain.append(scalar)
            }
        }
        return PrintableText.width(String(plain))
    }
}
