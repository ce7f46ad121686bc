import Foundation
import OsirisModel

/// Something of an object that ends soon, or has ended.
struct Ending {
    let name: String
    let what: String
    /// Whole days until it ends; negative after its end, where -1 is the first day.
    let days: Int
    let renewDays: Int
    let changesWith: [String]

    /// True if it is time to renew it.
    var isDue: Bool { days < renewDays }
    var reason: ActionReason { .expires(what, days: days) }
    var text: String { Self.text(days: days) }

    static func text(days: Int) -> String {
        switch days {
        case 1...: "expires in \(days) day\(days == 1 ? "" : "s")"
        case 0: "expires in less than a day"
        case -1: "has expired"
        default: "expired \(-days - 1) day\(days == -2 ? "" : "s") ago"
        }
    }

    /// What a plan has to speak of. An attribute that is absent, or is no point in time, says nothing about an end.
    static func near(in attributes: Attributes, _ schema: Schema, now: Date) -> [Ending] {
        schema.fields.compactMap { field in
            guard let expiry = field.expiry, let text = attributes[field.name]?.stringValue,
                let end = try? Date(text, strategy: .iso8601)
            else { return nil }
            let days = Int((end.timeIntervalSince(now) / 86400).rounded(.down))
            guard days < max(expiry.warnDays, expiry.renewDays) else { return nil }
            return Ending(
                name: field.name, what: expiry.what, days: days, renewDays: expiry.renewDays,
                changesWith: field.changesWith)
        }
    }
}
