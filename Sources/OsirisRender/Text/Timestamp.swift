import Foundation

/// RFC 3339 in UTC with milliseconds: `2026-02-03T04:05:06.789Z`.
enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    static func render(_ time: Date) -> String {
        // The style cuts off what is behind the milliseconds: round before, and stay clear of the edge.
        let milliseconds = (time.timeIntervalSince1970 * 1000).rounded()
        return style.format(Date(timeIntervalSince1970: (milliseconds + 0.1) / 1000))
    }
}
