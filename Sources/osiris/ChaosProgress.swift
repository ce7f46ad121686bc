import Foundation
import OsirisChaos

/// One line for each kind of scenario: rewritten in place on a terminal, elsewhere printed every few seconds.
struct ChaosProgress {
    private let console: Console
    private let name: String
    private let total: Int
    private var done = 0
    private var failed = 0
    private var said = Date.distantPast

    init(_ console: Console, _ name: String, total: Int) {
        self.console = console
        self.name = name
        self.total = total
        say(isLast: false)
    }

    mutating func add(_ result: ScenarioResult) {
        done += 1
        if !result.violations.isEmpty { failed += 1 }
        let isLast = done == total
        if isLast || Date().timeIntervalSince(said) > (console.isTerminal ? 0.2 : 5) {
            said = Date()
            say(isLast: isLast)
        }
    }

    private func say(isLast: Bool) {
        if console.json || (done == 0 && !console.isTerminal) { return }
        let count = "\(done) of \(total)".padding(toLength: 12, withPad: " ", startingAt: 0)
        let text = "\(name.padding(toLength: 22, withPad: " ", startingAt: 0)) \(count) \(failed) failed"
        if console.isTerminal {
            console.out("\r\u{1B}[K" + text + (isLast ? "\n" : ""))
        } else {
            console.line(text)
        }
    }
}
