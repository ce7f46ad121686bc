import Foundation
import OsirisPlanner
import OsirisRender

extension Console {
    /// What follows an apply: JSON lines for programs, a live view on a terminal, plain lines elsewhere.
    func applyOutput(for plan: Plan) -> any ApplyOutput {
        if json { return JSONLines { out($0) } }
        guard isTerminal && ProcessInfo.processInfo.environment["TERM"] != "dumb" else {
            return PlainLines(style: style) { out($0) }
        }
        return LiveView(plan: plan, style: style) { out($0) }
    }
}
