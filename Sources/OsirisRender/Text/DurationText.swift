import OsirisPlanner

/// Times for people: `0.4s`, `12s`, `1m05s`, `2h03m`.
enum DurationText {
    static func render(seconds: Double) -> String {
        let seconds = max(0, seconds)
        if seconds < 9.95 {
            let tenths = Int((seconds * 10).rounded())
            return "\(tenths / 10).\(tenths % 10)s"
        }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(twoDigits(whole % 60))s" }
        return "\(whole / 3600)h\(twoDigits(whole / 60 % 60))m"
    }

    static func render(_ duration: Duration) -> String { render(seconds: duration.inSeconds) }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var inMilliseconds: Int { Int((inSeconds * 1000).rounded()) }
}

extension PlannedOperation.Kind {
    /// While it runs.
    var doing: String {
        switch self {
        case .create: "creating"
        case .update: "updating"
        case .delete: "deleting"
        case .forget: "forgetting"
        case .move: "renaming"
        }
    }

    /// When it is done.
    var done: String {
        switch self {
        case .create: "created"
        case .update: "updated"
        case .delete: "deleted"
        case .forget: "forgotten"
        case .move: "renamed"
        }
    }
}
