import Foundation
import OsirisEngine
import Testing

@testable import OsirisRender

@Suite struct LiveViewTests {
    @Test(arguments: [80, 50]) func framesOfAScript(_ width: Int) {
        var state = LiveViewState(plan: EventScript.plan)
        let style = TextStyle(width: width)
        var text = ""
        for (after, event) in EventScript.events {
            let time = EventScript.start + after
            state.take(event, at: time)
            text += "== \(after)s\n"
            for line in state.takeFinishedLines(style: style) { text += "^ \(line)\n" }
            for line in state.frame(at: time, style: style) { text += "| \(line)\n" }
        }
        Golden.expect(text, "live.\(width).txt")
    }

    @Test func atMostTwelveLinesNarrowerThanTheTerminal() {
        var state = LiveViewState(plan: SamplePlans.fleet)
        state.take(.started(operations: 48), at: EventScript.start)
        for change in SamplePlans.fleet.changes {
            state.take(.operationStarted(change.address, .create), at: EventScript.start)
        }
        for change in SamplePlans.fleet.changes.prefix(9) {
            state.take(.operationFailed(change.address, .create, EventScript.fault), at: EventScript.start)
        }
        for width in [40, 80, 200] {
            let frame = state.frame(at: EventScript.start + 5, style: TextStyle(width: width))
            #expect(frame.count <= 12)
            for line in frame { #expect(PrintableText.width(line) < width, "\(line)") }
        }
    }

    /// Plays the escape sequences on a small terminal and looks at what stands there.
    @Test func theTerminalIsCleanAfterwards() {
        let sink = Sink()
        let view = LiveOutput(plan: EventScript.plan, style: { TextStyle(color: true, width: 80) }, sink: sink.write)
        view.play()
        view.end()
        var terminal = FakeTerminal(width: 80)
        terminal.feed(sink.text)
        #expect(!terminal.isCursorHidden)
        Golden.expect(terminal.text, "live.after.txt")
        #expect(!terminal.text.contains("Applying"))
    }

    @Test func aNarrowerWindowLeavesNothingBehind() {
        var screen = LiveScreen()
        _ = screen.draw(finished: [], frame: [String(repeating: "x", count: 79), "short"], width: 80)
        // 79 columns need two rows of 40 now, and the short line one.
        #expect(screen.draw(finished: [], frame: ["new"], width: 40).contains("\u{1B}[3A"))
    }

    @Test func nothingIsWrittenWhenNothingChanges() {
        let sink = Sink()
        let view = LiveOutput(plan: nil, style: { TextStyle() }, sink: sink.write)
        view.observe(.started(operations: 1), at: EventScript.start)
        view.tick(at: EventScript.start + 0.1)
        view.tick(at: EventScript.start + 0.2)
        #expect(sink.texts.count == 1)
    }
}

/// As much of a terminal as the live view needs: rows, cursor up, erase.
struct FakeTerminal {
    private var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    private(set) var isCursorHidden = false
    private let width: Int

    init(width: Int) { self.width = width }

    var text: String { rows.map { String($0) }.joined(separator: "\n") }

    mutating func feed(_ text: String) {
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\u{1B}":
                let end = rest.firstIndex { $0.isLetter }!
                obey(rest[..<end].dropFirst(), rest[end])
                rest = rest[rest.index(after: end)...]
            case "\n":
                (row, column) = (row + 1, 0)
                if row == rows.count { rows.append([]) }
            case "\r": column = 0
            default:
                while rows[row].count <= column { rows[row].append(" ") }
                rows[row][column] = character
                column += 1
                precondition(column < width, "a line reached the last column")
            }
        }
    }

    private mutating func obey(_ parameters: Substring, _ command: Character) {
        switch command {
        case "A":
            row -= Int(parameters)!
            precondition(row >= 0, "the cursor left the screen")
        case "K": rows[row].removeSubrange(min(column, rows[row].count)...)
        case "J":
            rows[row].removeSubrange(min(column, rows[row].count)...)
            rows.removeSubrange((row + 1)...)
        case "l": isCursorHidden = true
        case "h": isCursorHidden = false
        case "m": break
        default: preconditionFailure("unknown sequence \(command)")
        }
    }
}
