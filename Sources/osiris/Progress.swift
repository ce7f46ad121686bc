import Foundation
import OsirisEngine
import OsirisPlanner
import OsirisRender

/// The right observer for who is watching: JSON lines for programs, a live view for a terminal, plain lines elsewhere.
struct Progress {
    let observer: any ApplyObserver
    /// Ends the display; call it before anything else is printed.
    let end: () async -> Void

    init(_ console: Console, _ plan: Plan) {
        let sink: @Sendable (String) -> Void = { console.out($0) }
        if console.json {
            observer = JSONLines(sink: sink)
            end = {}
        } else if console.isTerminal && ProcessInfo.processInfo.environment["TERM"] != "dumb" {
            let view = LiveView(plan: plan, style: TextStyle(color: console.color, width: console.width), sink: sink)
            observer = view
            end = { await view.end() }
        } else {
            let lines = PlainLines(plan: plan, sink: sink)
            observer = lines
            end = { await lines.end() }
        }
    }
}
