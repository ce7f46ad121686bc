import OsirisEngine
import OsirisModel

import struct Foundation.Date

/// What became of operations that an earlier run left open: one line each.
public enum RecoveryText {
    /// `Recovery: …`, for people.
    public static func lines(_ settled: [SettledIntent]) -> String {
        settled.map { "Recovery: \($0.text)\n" }.joined()
    }

    /// One JSON object for each line: `time`, `event` (`recovered`), `address`, `action`, `outcome` (`landed`, `closed` or
    /// `open`) and `message`.
    public static func jsonLines(_ settled: [SettledIntent], at time: Date) -> String {
        settled.map { settled in
            let outcome: String =
                switch settled.outcome {
                case .landed: "landed"
                case .closed: "closed"
                case .open: "open"
                }
            return JSONOutput.line(
                [
                    "event": "recovered", "address": .string(settled.intent.address.text),
                    "action": .string(settled.intent.action.rawValue), "outcome": .string(outcome),
                    "message": .string(settled.text),
                ], at: time)
        }.joined()
    }

    /// The last of them, also when nothing was open: `event` (`recovery`), how many are `settled`, and how many `open`.
    public static func jsonSummary(_ settled: [SettledIntent], at time: Date) -> String {
        let open = settled.count { if case .open = $0.outcome { true } else { false } }
        return JSONOutput.line(
            ["event": "recovery", "settled": .int(settled.count - open), "open": .int(open)], at: time)
    }
}
